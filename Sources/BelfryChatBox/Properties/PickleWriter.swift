// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Writes plain values as pickles of protocol 4, as Python 3.8 and later do by default.
enum PickleWriter {
    /// Levels of lists and dictionaries; what is deeper is refused, here and by the reader.
    static let maxDepth = 64

    /// The pickle of a value; nil when it nests too deeply.
    ///
    /// The entries of dictionaries are in the order of their keys.
    static func pickle(_ value: PropertyValue) -> [UInt8]? {
        var body: [UInt8] = []
        guard write(value, depth: 0, into: &body) else { return nil }
        body.append(PickleOpcode.stop)
        var bytes: [UInt8] = [PickleOpcode.proto, 4]
        // Python frames what has four bytes or more, and reads either.
        if body.count >= 4 {
            bytes.append(PickleOpcode.frame)
            append(UInt64(body.count), 8, to: &bytes)
        }
        return bytes + body
    }

    private static func write(_ value: PropertyValue, depth: Int, into bytes: inout [UInt8]) -> Bool {
        switch value {
        case .null: bytes.append(PickleOpcode.none)
        case .bool(let flag): bytes.append(flag ? PickleOpcode.newTrue : PickleOpcode.newFalse)
        case .int(let number): write(number, into: &bytes)
        case .double(let number):
            bytes.append(PickleOpcode.binFloat)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> UInt64(shift)))
            }
        case .text(let text): write(text, into: &bytes)
        case .list(let values):
            guard depth < maxDepth else { return false }
            bytes += [PickleOpcode.emptyList, PickleOpcode.memoize]
            guard !values.isEmpty else { return true }
            bytes.append(PickleOpcode.mark)
            for value in values {
                guard write(value, depth: depth + 1, into: &bytes) else { return false }
            }
            bytes.append(PickleOpcode.appends)
        case .dictionary(let entries):
            guard depth < maxDepth else { return false }
            bytes += [PickleOpcode.emptyDictionary, PickleOpcode.memoize]
            guard !entries.isEmpty else { return true }
            var pairs: [(key: [UInt8], value: [UInt8])] = []
            for (key, value) in entries {
                var pair: (key: [UInt8], value: [UInt8]) = ([], [])
                // Python can't have lists or dictionaries for keys.
                guard key.isScalar, write(key, depth: depth + 1, into: &pair.key),
                    write(value, depth: depth + 1, into: &pair.value)
                else { return false }
                pairs.append(pair)
            }
            pairs.sort { $0.key.lexicographicallyPrecedes($1.key) }
            bytes.append(PickleOpcode.mark)
            for pair in pairs { bytes += pair.key + pair.value }
            bytes.append(PickleOpcode.setItems)
        }
        return true
    }

    private static func write(_ number: Int, into bytes: inout [UInt8]) {
        let pattern = UInt64(bitPattern: Int64(number))
        switch number {
        case 0...0xFF:
            bytes.append(PickleOpcode.binInt1)
            append(pattern, 1, to: &bytes)
        case 0x100...0xFFFF:
            bytes.append(PickleOpcode.binInt2)
            append(pattern, 2, to: &bytes)
        case Int(Int32.min)...Int(Int32.max):
            bytes.append(PickleOpcode.binInt)
            append(pattern, 4, to: &bytes)
        default:
            bytes += [PickleOpcode.long1, 8]
            append(pattern, 8, to: &bytes)
        }
    }

    private static func write(_ text: String, into bytes: inout [UInt8]) {
        let count = text.utf8.count
        switch count {
        case 0...0xFF:
            bytes.append(PickleOpcode.shortBinUnicode)
            append(UInt64(count), 1, to: &bytes)
        case 0x100...0xFFFF_FFFF:
            bytes.append(PickleOpcode.binUnicode)
            append(UInt64(count), 4, to: &bytes)
        default:
            bytes.append(PickleOpcode.binUnicode8)
            append(UInt64(count), 8, to: &bytes)
        }
        bytes += text.utf8
        bytes.append(PickleOpcode.memoize)
    }

    private static func append(_ value: UInt64, _ count: Int, to bytes: inout [UInt8]) {
        for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }
}

extension PropertyValue {
    /// Whether it may be a key.
    var isScalar: Bool {
        switch self {
        case .null, .bool, .int, .double, .text: true
        case .list, .dictionary: false
        }
    }
}
