// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// Checks text that comes in pieces for being UTF-8 (Unicode, table 3-7), and says no at the first wrong byte.
struct UTF8Validator: Sendable, Equatable {
    /// Bytes that the scalar under way still takes.
    private var needed: UInt8 = 0
    /// What the next of them may be.
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xBF

    /// Whether the text may end here.
    var isComplete: Bool { needed == 0 }

    /// Takes the next bytes; false when no continuation could make it UTF-8.
    mutating func validate(_ bytes: Span<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index &+= 1
            if needed > 0 {
                guard byte >= lower, byte <= upper else { return false }
                (lower, upper) = (0x80, 0xBF)
                needed &-= 1
            } else if byte < 0x80 {
                // Where one byte is ASCII, more are.
                while index &+ 8 <= bytes.count, bytes.word(at: index) & ByteWord.tops == 0 { index &+= 8 }
            } else {
                guard begin(byte) else { return false }
            }
        }
        return true
    }

    /// The first byte of a scalar that is not ASCII.
    @inline(__always)
    private mutating func begin(_ byte: UInt8) -> Bool {
        switch byte {
        case 0xC2...0xDF: needed = 1
        case 0xE0: (needed, lower) = (2, 0xA0)
        case 0xE1...0xEC, 0xEE...0xEF: needed = 2
        case 0xED: (needed, upper) = (2, 0x9F)
        case 0xF0: (needed, lower) = (3, 0x90)
        case 0xF1...0xF3: needed = 3
        case 0xF4: (needed, upper) = (3, 0x8F)
        default: return false
        }
        return true
    }

    /// Whether bytes are UTF-8 as they are.
    static func isValid(_ bytes: Span<UInt8>) -> Bool {
        var validator = UTF8Validator()
        return validator.validate(bytes) && validator.isComplete
    }
}
