// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// The texts of names that come again and again, so that a message that repeats one allocates nothing for it.
///
/// Of fixed size: a name that shares a place with another one takes it.
struct NucosNameCache {
    private static let places = 64
    private static let maxNameBytes = 128

    private var names = [String](repeating: "", count: places)

    /// The decoded text.
    mutating func string(_ text: JSONText, in bytes: Span<UInt8>) -> String {
        let count = text.range.count
        guard text.isPlain, text.contains(bytes), 0 < count, count <= Self.maxNameBytes else {
            return text.string(in: bytes)
        }
        var hash = UInt64(count)
        for index in text.range { hash = (hash ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01B3 }
        let place = Int(truncatingIfNeeded: (hash ^ hash >> 32) % UInt64(Self.places))
        if text.equals(names[place], in: bytes) { return names[place] }
        let name = text.string(in: bytes)
        names[place] = name
        return name
    }
}
