// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The ASCII bytes that HTTP is made of.
enum ASCII {
    static var tab: UInt8 { 0x09 }
    static var lineFeed: UInt8 { 0x0A }
    static var carriageReturn: UInt8 { 0x0D }
    static var space: UInt8 { 0x20 }
    static var slash: UInt8 { 0x2F }
    static var colon: UInt8 { 0x3A }
    static var questionMark: UInt8 { 0x3F }

    /// Blank or tab: optional white space (RFC 9110, §5.6.3).
    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// The lower case of a letter; any other byte is itself.
    @inline(__always)
    static func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// The value of a hexadecimal digit; nil for any other byte.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte &- 0x30 }
        let letter = lower(byte) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }

    /// A character of a token (RFC 9110, §5.6.2), as in a method or a field's name.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool { contains(byte, 0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE) }

    /// A character that may stand in a request target: a visible one, but none of `"#<>`.
    ///
    /// More than RFC 3986 allows: browsers write a few others, as `|`, without escaping them.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool { contains(byte, 0xAFFF_FFF2_0000_0000, 0x7FFF_FFFF_FFFF_FFFF) }

    /// A character of a host name, an address in brackets, or a port.
    @inline(__always)
    static func isAuthority(_ byte: UInt8) -> Bool { contains(byte, 0x2FFF_7FF2_0000_0000, 0x47FF_FFFE_AFFF_FFFE) }

    /// Whether a byte is in a set of ASCII characters, given as the bits of its two halves.
    @inline(__always)
    private static func contains(_ byte: UInt8, _ low: UInt64, _ high: UInt64) -> Bool {
        let half = byte < 64 ? low : high
        return byte < 128 && half >> UInt64(byte & 63) & 1 == 1
    }
}
