// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Bytes as text (RFC 4648 §4), for the protocols that carry only JSON.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The text that stands for some bytes, padded with `=`.
    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).map { start + $0 < bytes.count ? UInt32(bytes[start + $0]) : 0 }
            let bits = group[0] << 16 | group[1] << 8 | group[2]
            let used = min(bytes.count - start, 3) + 1
            for index in 0..<4 {
                let digit = alphabet[Int(bits >> UInt32(18 - 6 * index)) & 63]
                text.append(index < used ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
