// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryJSON
import Foundation

/// One line of input: what to do, and the fields that say how.
struct PeerRequest: Sendable {
    /// Repeated in the answer.
    let seq: JSON
    let op: String
    private let fields: [String: JSON]
    private let line: [UInt8]

    init(line: String) throws {
        self.line = Array(line.utf8)
        fields = try JSONDecoder().decode([String: JSON].self, from: Data(line.utf8))
        seq = fields["seq"] ?? .null
        op = fields["op"]?.text ?? ""
    }

    /// The driver's name of the object, empty where the driver has only one.
    var name: String { fields["name"]?.text ?? "" }

    /// A field that must be a text.
    func text(_ key: String) throws -> String {
        guard let text = fields[key]?.text else { throw PeerError("\(op): '\(key)' must be a text") }
        return text
    }

    /// A yes or no; absent is no.
    func flag(_ key: String) throws -> Bool {
        switch fields[key] ?? .null {
        case .null: return false
        case .bool(let flag): return flag
        default: throw PeerError("\(op): '\(key)' must be true or false")
        }
    }

    /// A port; 0 lets the kernel choose.
    func port() throws -> UInt16 {
        guard case .integer(let number) = fields["port"], let port = UInt16(exactly: number) else {
            throw PeerError("\(op): 'port' must be a number from 0 to 65535")
        }
        return port
    }

    /// Any JSON; null when absent.
    func value(_ key: String) -> JSON { fields[key] ?? .null }

    /// A field as the driver wrote it, with its blanks and the order of its members; null when absent.
    func source(_ key: String) throws -> Payload {
        let bytes = line.span
        var (scanner, range) = (JSONScanner(), 0..<0)
        scanner.skipWhitespace(bytes)
        try scanner.expect(UInt8(ascii: "{"), bytes)
        scanner.skipWhitespace(bytes)
        while try scanner.peek(bytes) != UInt8(ascii: "}") {
            let name = try scanner.name(bytes)
            let value = try scanner.value(bytes)
            if name.equals(key, in: bytes) { range = value.range }
            scanner.skipWhitespace(bytes)
            if try scanner.peek(bytes) == UInt8(ascii: ",") {
                try scanner.expect(UInt8(ascii: ","), bytes)
                scanner.skipWhitespace(bytes)
            }
        }
        return range.isEmpty ? .json("null") : Payload(.json, bytes: Array(line[range]))
    }

    /// A field as what rooms and events carry.
    func payload(_ key: String) throws -> Payload { try value(key).payload() }
}

extension JSON {
    /// The value as a payload.
    func payload() throws -> Payload { Payload(.json, bytes: Array(try JSONEncoder().encode(self))) }
}

/// Why a request could not be done.
struct PeerError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
