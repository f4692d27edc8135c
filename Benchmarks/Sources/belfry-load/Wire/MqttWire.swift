// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// MQTT 3.1.1 (OASIS, 29 October 2014), everything with quality of service 0.
///
/// Keep-alive is off, so a server says nothing unasked.
struct MqttWire: Wire {
    let name = "mqtt"
    /// DISCONNECT (§3.14).
    let farewell: [UInt8] = [0xE0, 0]

    /// §3.1: protocol level 4, a clean session, no keep-alive, and no client identifier, so that the server makes one.
    private static let connect: [UInt8] = [0x10, 12, 0, 4] + Array("MQTT".utf8) + [4, 2, 0, 0, 0, 0]
    private static let pingRequest: [UInt8] = [0xC0, 0]

    func opening(room: String?) -> [UInt8] {
        guard let room else { return Self.connect + Self.pingRequest }
        return Self.connect + Self.packet(0x82, [0, 1] + Self.string(room) + [0])
    }

    func publication(room: String, payload: [UInt8]) -> [UInt8] {
        Self.packet(0x30, Self.string(room) + payload)
    }

    func parse(_ bytes: ArraySlice<UInt8>) throws -> (item: WireItem, length: Int)? {
        guard let first = bytes.first, let (size, headerBytes) = try Self.remainingLength(bytes) else { return nil }
        let length = headerBytes + size
        guard bytes.count >= length else { return nil }
        let body = bytes.dropFirst(headerBytes).prefix(size)
        switch first {
        case 0x20 where body.elementsEqual([0, 0]):
            return (.greeting, length)
        case 0x90 where body.elementsEqual([0, 1, 0]):
            return (.ready, length)
        case 0xD0 where size == 0:
            return (.ready, length)
        case 0x30 where size >= 2:
            let topic = body.prefix(2).reduce(0) { $0 << 8 | Int($1) }
            guard topic + 2 <= size else { throw LoadError("an MQTT topic of \(topic) bytes in \(size)") }
            return (.delivery(payload: (headerBytes + 2 + topic)..<length), length)
        default:
            throw LoadError("unexpected MQTT packet \(first): \(Array(body.prefix(16)))")
        }
    }

    /// §2.2.3: seven bits per byte, the lowest first, four bytes at the most; and the fixed header's length.
    private static func remainingLength(_ bytes: ArraySlice<UInt8>) throws -> (size: Int, headerBytes: Int)? {
        var size = 0
        for (index, byte) in bytes.dropFirst().prefix(4).enumerated() {
            size |= Int(byte & 0x7F) << (7 * index)
            if byte & 0x80 == 0 { return (size, index + 2) }
        }
        guard bytes.count < 5 else { throw LoadError("an MQTT length of more than four bytes") }
        return nil
    }

    private static func packet(_ kind: UInt8, _ body: [UInt8]) -> [UInt8] {
        var bytes = [kind]
        var size = body.count
        repeat {
            bytes.append(UInt8(size & 0x7F) | (size > 0x7F ? 0x80 : 0))
            size >>= 7
        } while size > 0
        return bytes + body
    }

    private static func string(_ text: String) -> [UInt8] {
        [UInt8(truncatingIfNeeded: text.utf8.count >> 8), UInt8(truncatingIfNeeded: text.utf8.count)] + Array(text.utf8)
    }
}
