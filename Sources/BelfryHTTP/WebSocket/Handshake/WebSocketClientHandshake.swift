// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// A client's side of the handshake, without I/O (RFC 6455, §4.1): the request, and the check of its answer.
struct WebSocketClientHandshake: ~Copyable {
    /// What was agreed on.
    struct Agreement: Equatable {
        var subprotocol: String?
        var deflate: DeflateParameters?
    }

    private static let maxHeadBytes = 16 * 1024

    private let key: String
    private let subprotocols: [String]
    private let deflate: WebSocketDeflate?
    private let fields: [WebSocketClient.Configuration.Field]
    private var head: [UInt8] = []

    init(_ configuration: WebSocketClient.Configuration, key: String) {
        self.key = key
        subprotocols = configuration.subprotocols
        deflate = configuration.deflate
        fields = configuration.fields
    }

    /// The request's bytes.
    ///
    /// - Throws: ``WebSocketError`` `.badHandshake` for a field that can't be sent.
    func request(_ url: WebSocketURL) throws(WebSocketError) -> [UInt8] {
        var text =
            "GET \(url.target) HTTP/1.1\r\nHost: \(url.authority)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
        if !subprotocols.isEmpty { text += "Sec-WebSocket-Protocol: \(subprotocols.joined(separator: ", "))\r\n" }
        if let deflate { text += "Sec-WebSocket-Extensions: \(DeflateParameters.offer(deflate))\r\n" }
        for field in fields {
            guard HTTPField.Name(field.name) != nil, HTTPField.isValidValue(field.value) else {
                throw WebSocketError(.badHandshake, "the field \(field.name.prefix(64)) can't be sent")
            }
            text += "\(field.name): \(field.value)\r\n"
        }
        return Array((text + "\r\n").utf8)
    }

    /// Takes the answer's next bytes.
    ///
    /// - Returns: What was agreed on, and where in these bytes the frames begin; nil while the head is not complete.
    /// - Throws: ``WebSocketError`` `.refused` or `.badHandshake`.
    mutating func receive(_ bytes: Span<UInt8>) throws(WebSocketError) -> (Agreement, next: Int)? {
        for index in bytes.indices {
            head.append(bytes[index])
            if bytes[index] == 0x0A, head.suffix(4) == [0x0D, 0x0A, 0x0D, 0x0A] {
                return (try agreement(), index + 1)
            }
            guard head.count < Self.maxHeadBytes else { throw Self.bad("the head is too long") }
        }
        return nil
    }

    private static func bad(_ why: String) -> WebSocketError { WebSocketError(.badHandshake, why) }

    private func agreement() throws(WebSocketError) -> Agreement {
        var lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: true)[...]
        guard let status = lines.popFirst()?.split(separator: " ", maxSplits: 2), status.count >= 2,
            status[0].hasPrefix("HTTP/1.")
        else { throw Self.bad("the answer is not HTTP/1.1") }
        guard status[1] == "101" else {
            throw WebSocketError(
                .refused,
                "the server answered \(status.dropFirst().joined(separator: " ").prefix(200))"
            )
        }
        var values: [String: String] = [:]
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), HTTPField.Name(String(line[..<colon])) != nil else {
                throw Self.bad("a field of the answer is ill-formed")
            }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...].trimmingBlanks()
            values[name] = values[name].map { "\($0), \(value)" } ?? value
        }
        return try agreement(values)
    }

    private func agreement(_ values: [String: String]) throws(WebSocketError) -> Agreement {
        guard FieldList.contains(values["upgrade"], "websocket") else { throw Self.bad("Upgrade is not websocket") }
        guard FieldList.contains(values["connection"], "upgrade") else { throw Self.bad("Connection is not Upgrade") }
        guard values["sec-websocket-accept"] == WebSocketKey.accept(key) else {
            throw Self.bad("Sec-WebSocket-Accept does not belong to the key")
        }
        var agreement = Agreement()
        if let subprotocol = values["sec-websocket-protocol"] {
            guard subprotocols.contains(subprotocol) else { throw Self.bad("a subprotocol that was not offered") }
            agreement.subprotocol = subprotocol
        }
        for answer in WebSocketExtension.parse(values["sec-websocket-extensions"] ?? "") {
            guard let deflate, answer.name == DeflateParameters.extensionName, agreement.deflate == nil else {
                throw Self.bad("an extension that was not offered")
            }
            guard let parameters = DeflateParameters(answer: answer.parameters, to: deflate) else {
                throw Self.bad("parameters of permessage-deflate that were not offered")
            }
            agreement.deflate = parameters
        }
        return agreement
    }
}

extension Substring {
    fileprivate func trimmingBlanks() -> String {
        var text = drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }
}
