// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// The two layers of escapes of a form's fields (Watchbox protocol, §1).
enum Percent {
    /// Decodes `%hh`, leniently: what is malformed stays as it is.
    ///
    /// - Parameter isForm: A `+` stands for a blank.
    static func decode(_ bytes: Span<UInt8>, isForm: Bool) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "%"), index + 1 < bytes.count, let high = ASCII.hexValue(bytes[index]),
                let low = ASCII.hexValue(bytes[index + 1])
            {
                output.append(UInt8(truncatingIfNeeded: high << 4 | low))
                index += 2
            } else {
                output.append(isForm && byte == ASCII.plus ? ASCII.space : byte)
            }
        }
        return output
    }

    /// The bytes as well-formed UTF-8: what is none becomes U+FFFD.
    static func repaired(_ bytes: [UInt8]) -> [UInt8] {
        if (try? UTF8Span(validating: bytes.span)) != nil { return bytes }
        return Array(String(decoding: bytes, as: UTF8.self).utf8)
    }
}
