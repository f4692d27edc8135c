// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Some bytes at once, for long runs in which nothing is to be found.
///
/// Loops of fixed length without branches: the compiler makes vector instructions of them, whatever the processor has.
@usableFromInline package enum ByteBlock {
    /// Bytes of a block.
    @inlinable package static var count: Int { 64 }

    /// The index up to which a run goes on, as far as it is looked at in blocks.
    ///
    /// - Parameter goesOn: Whether a block, of exactly `count` bytes, belongs to it.
    @inline(__always)
    @inlinable package static func endOfRun(
        _ bytes: Span<UInt8>,
        from start: Int,
        _ goesOn: (Span<UInt8>) -> Bool
    ) -> Int {
        var index = start
        while index &+ count <= bytes.count, goesOn(bytes.extracting(index..<(index &+ count))) { index &+= count }
        return index
    }

    /// Whether a block, of exactly `count` bytes, has a byte that ends a plain run of a JSON string: quote, backslash,
    /// control, or not ASCII.
    @inline(__always)
    @inlinable package static func hasStringStop(_ block: Span<UInt8>) -> Bool {
        // The smallest of all lanes, 0 for what is looked for: that the compiler knows how to take over vectors.
        var nearest: UInt8 = .max
        for index in 0..<count {
            let byte = block[index]
            // From the space to the last of ASCII it is less than the limit, which the exclusive or takes from it.
            let limit: UInt8 = 0x80 - 0x20
            let inRange = min(byte &- ASCII.space, limit) ^ limit
            nearest = min(nearest, min(inRange, min(byte ^ ASCII.quote, byte ^ ASCII.backslash)))
        }
        return nearest == 0
    }

    /// Whether a block, of exactly `count` bytes, has a byte.
    @inline(__always)
    @inlinable package static func has(_ wanted: UInt8, _ block: Span<UInt8>) -> Bool {
        var nearest: UInt8 = .max
        for index in 0..<count { nearest = min(nearest, block[index] ^ wanted) }
        return nearest == 0
    }
}
