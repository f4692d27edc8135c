// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The NATS client protocol, text.
///
/// A server pings each client two seconds after its arrival, in the middle of a run, and then every two minutes.
struct NatsWire: Wire {
    let name = "nats"
    let interlude = Array("PING\r\n".utf8)
    let interludeAnswer = Array("PONG\r\n".utf8)

    func opening(room: String?) -> [UInt8] {
        var text =
            #"CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"lang":"load","version":"1"}"# + "\r\n"
        if let room { text += "SUB \(room) 1\r\n" }
        text += "PING\r\n"
        return Array(text.utf8)
    }

    func publication(room: String, payload: [UInt8]) -> [UInt8] {
        Array("PUB \(room) \(payload.count)\r\n".utf8) + payload + Array("\r\n".utf8)
    }

    func parse(_ bytes: ArraySlice<UInt8>) throws -> (item: WireItem, length: Int)? {
        guard let end = bytes.end(of: Array("\r\n".utf8)) else { return nil }
        let length = end - bytes.startIndex
        let line = String(decoding: bytes[..<(end - 2)], as: UTF8.self)
        let words = line.split(separator: " ")
        switch words.first {
        case "INFO", "+OK":
            return (.greeting, length)
        case "PING":
            return (.interlude, length)
        case "PONG":
            return (.ready, length)
        case "MSG":
            guard let size = words.last.flatMap({ Int($0) }), (0...1_048_576).contains(size) else {
                throw LoadError("a NATS message without length: \(line)")
            }
            guard bytes.count >= length + size + 2 else { return nil }
            guard bytes[(end + size)...].starts(with: Array("\r\n".utf8)) else {
                throw LoadError("a NATS message without end")
            }
            return (.delivery(payload: length..<(length + size)), length + size + 2)
        default:
            throw LoadError("unexpected NATS line \(line)")
        }
    }
}
