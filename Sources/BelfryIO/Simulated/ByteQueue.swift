// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The bytes on their way through a simulated connection, first in, first out.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var head = 0

    var count: Int { bytes.count - head }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ added: Span<UInt8>) {
        if head > 0, head * 2 >= bytes.count {
            bytes.removeFirst(head)
            head = 0
        }
        unsafe added.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Moves the oldest `wanted` bytes, or what there is, to `target`; returns how many.
    mutating func move(_ wanted: Int, to target: UnsafeMutableRawPointer) -> Int {
        let moved = min(wanted, count)
        unsafe bytes.withUnsafeBytes { source in
            if let start = source.baseAddress { unsafe target.copyMemory(from: start + head, byteCount: moved) }
        }
        head += moved
        if isEmpty { removeAll() }
        return moved
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        head = 0
    }
}
