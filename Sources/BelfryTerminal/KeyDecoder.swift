// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Turns a terminal's bytes into characters, however the bytes are cut; what is not UTF-8 becomes U+FFFD.
package struct KeyDecoder: Sendable {
    private var bytes: [UInt8] = []
    private var position = 0

    /// Creates a decoder that has seen nothing.
    package init() {}

    /// Takes bytes in.
    package mutating func append(_ more: some Sequence<UInt8>) {
        if position > 0 {
            bytes.removeSubrange(..<position)
            position = 0
        }
        bytes += more
    }

    /// The next character; nil when it takes more bytes to know.
    package mutating func next() -> Unicode.Scalar? {
        guard position < bytes.count else { return nil }
        let count = Self.length(bytes[position])
        for index in 1..<max(count, 1) {
            guard position + index < bytes.count else { return nil }
            // A character that another one breaks off.
            guard bytes[position + index] & 0xC0 == 0x80 else { return take(index) }
        }
        return take(max(count, 1))
    }

    private mutating func take(_ count: Int) -> Unicode.Scalar {
        defer { position += count }
        return String(validating: bytes[position..<position + count], as: UTF8.self)?.unicodeScalars.first ?? "\u{FFFD}"
    }

    /// How many bytes a character has that begins like this; 0 if none does.
    private static func length(_ byte: UInt8) -> Int {
        switch byte {
        case 0..<0x80: 1
        case 0xC2..<0xE0: 2
        case 0xE0..<0xF0: 3
        case 0xF0..<0xF5: 4
        default: 0
        }
    }
}
