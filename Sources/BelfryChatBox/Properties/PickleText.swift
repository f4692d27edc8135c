// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The texts of pickles of protocol 0.
enum PickleText {
    /// Reads Python's `raw-unicode-escape`: Latin-1 with `\uXXXX` and `\UXXXXXXXX`; nil for what is no text.
    static func rawUnicodeEscape(_ bytes: ArraySlice<UInt8>) -> String? {
        var text = String.UnicodeScalarView()
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += 1
            guard byte == 0x5C else {
                text.append(Unicode.Scalar(byte))
                continue
            }
            // Python writes a backslash itself as an escape, so behind one there is always u or U.
            guard index < bytes.endIndex, let digits = [0x75: 4, 0x55: 8][bytes[index]],
                digits < bytes.endIndex - index, let scalar = scalar(bytes[index + 1...index + digits])
            else { return nil }
            text.append(scalar)
            index += digits + 1
        }
        return String(text)
    }

    private static func scalar(_ digits: ArraySlice<UInt8>) -> Unicode.Scalar? {
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 }),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { return nil }
        return Unicode.Scalar(value)
    }
}
