// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Foundation

extension UUID: ServiceID {
    /// Reads 32 hexadecimal digits, with dashes in the usual places or without any.
    public init?(serviceText: String) {
        var text = serviceText
        if text.utf8.count == 32, text.utf8.allSatisfy({ $0 != 0x2D }) {
            for offset in [20, 16, 12, 8] { text.insert("-", at: text.utf8.index(text.startIndex, offsetBy: offset)) }
        }
        self.init(uuidString: text)
    }

    /// With dashes, in lower case: the original compares texts.
    public var serviceText: String { uuidString.lowercased() }

    /// A random one, version 4.
    public static func random() -> UUID? { UUID() }
}

extension String: ServiceID {
    /// The text itself.
    public init?(serviceText: String) { self = serviceText }
    /// The text itself.
    public var serviceText: String { self }
}

extension Int: ServiceID {
    /// Reads decimal digits, with a sign or without.
    public init?(serviceText: String) { self.init(serviceText) }
    /// Decimal digits, `-` in front of a negative one.
    public var serviceText: String { description }
}

extension Double: ServiceID {
    /// Reads a decimal number, with an exponent or without, `inf` or `nan`.
    public init?(serviceText: String) { self.init(serviceText) }

    /// The shortest digits that say the number, with a point or an exponent, as in `1.5`, `1e+16`, `1e-07`, `inf`.
    public var serviceText: String {
        // From 2^53 on Swift writes an exponent, Python from 10^16 on.
        guard magnitude >= 0x1p53, magnitude < 1e16, let integer = Int64(exactly: self) else { return description }
        return "\(integer).0"
    }
}
