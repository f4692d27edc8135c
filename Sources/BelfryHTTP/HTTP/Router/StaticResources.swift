// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryCrypto
import Foundation
import HTTPTypes

/// Files that a server hands out: pages, scripts, pictures; all of them in memory, so no path reaches the file system.
///
/// Each has a strong entity tag, so that a client that has it already gets `304 Not Modified`.
public struct StaticResources: Sendable {
    private(set) var all: [StaticResource] = []

    /// No resources.
    public init() {}

    /// Reads all files below a directory; those that come later are not seen.
    ///
    /// Names that begin with a dot, links, and what is no plain file are left out.
    ///
    /// - Parameters:
    ///   - directory: Its path.
    ///   - maxBytes: What all files together may have.
    /// - Throws: What Foundation says about files that can't be read; ``HTTPError`` 413 beyond `maxBytes`.
    public init(directory: String, maxBytes: Int = 64 * 1024 * 1024) throws {
        let root = URL(fileURLWithPath: directory, isDirectory: true)
        let names = try FileManager.default.subpathsOfDirectory(atPath: root.path)
        var total = 0
        for name in names.sorted() {
            let isHidden = name.split(separator: "/").contains { $0.hasPrefix(".") }
            guard !isHidden, Self.isPlain(name, in: root) else { continue }
            let data = try Data(contentsOf: root.appendingPathComponent(name))
            total += data.count
            guard total <= maxBytes else {
                throw HTTPError(.contentTooLarge, "more than \(maxBytes) bytes below \(directory)")
            }
            add(name, Array(data))
        }
    }

    /// Whether a name leads to a plain file without a link on the way.
    private static func isPlain(_ name: String, in root: URL) -> Bool {
        var place = root
        var type: FileAttributeType?
        for part in name.split(separator: "/") {
            place.appendPathComponent(String(part))
            type = (try? FileManager.default.attributesOfItem(atPath: place.path))?[.type] as? FileAttributeType
            guard type != .typeSymbolicLink else { return false }
        }
        return type == .typeRegular
    }

    /// Adds a resource, or takes the place of one; `index.html` is served for its directory as well.
    ///
    /// - Parameters:
    ///   - path: Behind the prefix, as in `js/app.js`.
    ///   - bytes: The content.
    ///   - type: Its media type; nil finds it by the path's ending.
    public mutating func add(_ path: String, _ bytes: [UInt8], type: String? = nil) {
        let path = path.hasPrefix("/") ? String(path.dropFirst()) : path
        let type = type ?? MediaType.of(path)
        insert(StaticResource(path: path, bytes: bytes, type: type))
        if path == "index.html" || path.hasSuffix("/index.html") {
            insert(StaticResource(path: String(path.dropLast(10)), bytes: bytes, type: type))
        }
    }

    private mutating func insert(_ resource: StaticResource) {
        all.removeAll { $0.path == resource.path }
        all.append(resource)
    }
}

/// One resource, ready to be sent.
struct StaticResource: Sendable {
    /// Behind the prefix, without a slash at its begin, as in `index.html`; empty for the prefix itself.
    let path: String
    let bytes: [UInt8]
    let fields: HTTPFields
    let tag: String

    init(path: String, bytes: [UInt8], type: String) {
        self.path = path
        self.bytes = bytes
        let digest = SHA1.digest(of: bytes).prefix(10).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        tag = "\"\(digest.joined())\""
        fields = [.contentType: type, .eTag: tag, .cacheControl: "no-cache", .xContentTypeOptions: "nosniff"]
    }

    /// The resource, or that the client has it (RFC 9110, §13.1.2).
    func answer(to request: Request) -> Response {
        let isKnown = request.values(of: .ifNoneMatch).contains { line in
            line.split(separator: ",").contains { entry in
                let wanted = entry.filter { $0 != " " && $0 != "\t" }
                return wanted == "*" || wanted == tag || wanted == "W/" + tag
            }
        }
        guard isKnown else { return Response(fields: fields, body: .bytes(bytes)) }
        var fields = self.fields
        fields[.contentType] = nil
        return Response(status: .notModified, fields: fields)
    }
}
