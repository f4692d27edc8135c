// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Redis publish and subscribe, RESP2.
struct RespWire: Wire {
    let name = "resp"
    let acknowledges = true
    let needsSeparatePublisher = true

    private enum Value {
        case simple(String)
        case error(String)
        case integer
        case bulk(Range<Int>)
        case array([Value])
    }

    func opening(room: String?) -> [UInt8] {
        command(room.map { ["SUBSCRIBE", $0] } ?? ["PING"])
    }

    func publication(room: String, payload: [UInt8]) -> [UInt8] {
        command(["PUBLISH", room, String(decoding: payload, as: UTF8.self)])
    }

    func parse(_ bytes: ArraySlice<UInt8>) throws -> (item: WireItem, length: Int)? {
        var position = bytes.startIndex
        guard let value = try value(in: bytes, at: &position) else { return nil }
        return (try item(value, in: bytes), position - bytes.startIndex)
    }

    private func command(_ words: [String]) -> [UInt8] {
        var text = "*\(words.count)\r\n"
        for word in words { text += "$\(word.utf8.count)\r\n\(word)\r\n" }
        return Array(text.utf8)
    }

    private func item(_ value: Value, in bytes: ArraySlice<UInt8>) throws -> WireItem {
        switch value {
        case .simple("PONG"): return .ready
        case .integer: return .acknowledgement
        case .array(let parts):
            guard parts.count == 3, case .bulk(let kind) = parts[0] else { break }
            switch (String(decoding: bytes[kind], as: UTF8.self), parts[2]) {
            case ("subscribe", .integer): return .ready
            case ("message", .bulk(let payload)):
                let start = bytes.startIndex
                return .delivery(payload: (payload.lowerBound - start)..<(payload.upperBound - start))
            default: break
            }
        default: break
        }
        throw LoadError("unexpected RESP value \(value)")
    }

    /// One value, its place in `bytes` kept; moves `position` behind it.
    private func value(in bytes: ArraySlice<UInt8>, at position: inout Int) throws -> Value? {
        guard position < bytes.endIndex, let end = bytes[position...].end(of: Array("\r\n".utf8)) else { return nil }
        let kind = bytes[position]
        let text = String(decoding: bytes[(position + 1)..<(end - 2)], as: UTF8.self)
        position = end
        switch kind {
        case UInt8(ascii: "+"): return .simple(text)
        case UInt8(ascii: "-"): return .error(text)
        case UInt8(ascii: ":"): return .integer
        case UInt8(ascii: "$"):
            guard let length = Int(text), (0...1_048_576).contains(length) else {
                throw LoadError("RESP length \(text)")
            }
            guard bytes.endIndex - end >= length + 2 else { return nil }
            position = end + length + 2
            return .bulk(end..<(end + length))
        case UInt8(ascii: "*"):
            guard let count = Int(text), (0...16).contains(count) else { throw LoadError("RESP array of \(text)") }
            var parts: [Value] = []
            for _ in 0..<count {
                guard let part = try value(in: bytes, at: &position) else { return nil }
                parts.append(part)
            }
            return .array(parts)
        default: throw LoadError("unexpected RESP type byte \(kind)")
        }
    }
}
