// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// Who a client is: a version-4 UUID, written as 32 lowercase hexadecimal digits.
struct ClientID: Hashable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// A new one, from the system's source of randomness: nobody can guess it.
    static func random() -> ClientID {
        var system = SystemRandomNumberGenerator()
        // RFC 9562, §5.4: version 4, variant 10.
        let high = system.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = system.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return ClientID(high: high, low: low)
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads 32 digits; nil for anything else, as what a client made up.
    init?(_ text: Span<UInt8>) {
        guard text.count == 32 else { return nil }
        var words: (high: UInt64, low: UInt64) = (0, 0)
        for index in text.indices {
            let byte = text[index]
            guard let digit = ASCII.hexValue(byte), !(0x41...0x46).contains(byte) else { return nil }
            if index < 16 {
                words.high = words.high << 4 | UInt64(digit)
            } else {
                words.low = words.low << 4 | UInt64(digit)
            }
        }
        (high, low) = words
    }

    /// Which of `count` parts of a table it belongs to.
    func part(of count: Int) -> Int { Int(low % UInt64(count)) }

    var description: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(32)
        for word in [high, low] {
            for shift in stride(from: UInt64(60), through: 0, by: -4) {
                digits.append(ASCII.hexDigit(UInt32(truncatingIfNeeded: word >> shift & 0xF)))
            }
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
