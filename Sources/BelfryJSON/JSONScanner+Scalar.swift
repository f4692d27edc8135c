// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension JSONScanner {
    /// Reads a number or one of the three literals.
    @inlinable package mutating func scalar(_ bytes: Span<UInt8>) throws(JSONFault) -> JSONValue.Kind {
        switch try peek(bytes) {
        case ASCII.minus, ASCII.zero...ASCII.nine:
            try number(bytes)
            return .number
        case UInt8(ascii: "t"):
            try literal(ShortName("t", "r", "u", "e"), count: 4, bytes)
            return .boolean
        case UInt8(ascii: "f"):
            try literal(ShortName("f", "a", "l", "s", "e"), count: 5, bytes)
            return .boolean
        case UInt8(ascii: "n"):
            try literal(ShortName("n", "u", "l", "l"), count: 4, bytes)
            return .null
        default:
            throw JSONFault(.unexpectedByte, at: position)
        }
    }

    @inlinable package mutating func literal(_ name: ShortName, count: Int, _ bytes: Span<UInt8>) throws(JSONFault) {
        let end = position &+ count
        guard end <= bytes.count, ShortName(bytes, position..<end) == name else {
            throw JSONFault(.badLiteral, at: position)
        }
        position = end
    }

    /// Reads a number as RFC 8259 §6 has it: no plus sign, no leading zeros, digits on both sides of the dot.
    @inlinable package mutating func number(_ bytes: Span<UInt8>) throws(JSONFault) {
        let start = position
        if bytes[position] == ASCII.minus { position &+= 1 }
        if position < bytes.count, bytes[position] == ASCII.zero {
            position &+= 1
        } else {
            try digits(bytes, start)
        }
        if position < bytes.count, bytes[position] == ASCII.dot {
            position &+= 1
            try digits(bytes, start)
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position &+= 1
            if position < bytes.count, bytes[position] == ASCII.plus || bytes[position] == ASCII.minus {
                position &+= 1
            }
            try digits(bytes, start)
        }
    }

    /// Reads at least one digit.
    @inlinable package mutating func digits(_ bytes: Span<UInt8>, _ start: Int) throws(JSONFault) {
        let first = position
        while position < bytes.count, (ASCII.zero...ASCII.nine).contains(bytes[position]) { position &+= 1 }
        guard position > first else { throw JSONFault(.badNumber, at: start) }
    }
}
