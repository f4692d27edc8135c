// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO

/// Writes down all that it hears, and by default receives on every connection that it accepts; loop-confined.
package final class RecordingHandler: IOHandler {
    private unowned let loop: EventLoop
    /// Connections in the order of their acceptance.
    package private(set) var accepted: [IOHandle] = []
    /// How often accepting starved.
    package private(set) var starvations = 0
    /// What arrived, by connection; empty where `keepsBytes` is off.
    package private(set) var bytes: [IOHandle: [UInt8]] = [:]
    /// How many bytes arrived in all.
    package private(set) var byteCount = 0
    /// The sizes in which they arrived.
    package private(set) var sizes: [Int] = []
    /// Datagrams and who sent them.
    package private(set) var datagrams: [(bytes: [UInt8], sender: SocketAddress)] = []
    /// Handles in the order in which they ended, became writable, stood, failed or closed.
    package private(set) var ended: [IOHandle] = []
    package private(set) var writable: [IOHandle] = []
    package private(set) var connected: [IOHandle] = []
    package private(set) var failed: [(handle: IOHandle, error: IOError)] = []
    package private(set) var closed: [IOHandle] = []
    /// Whether what arrives is kept or only counted.
    package var keepsBytes = true
    /// Runs instead of receiving on an accepted connection.
    package var onAccept: ((IOHandle) -> Void)?
    /// Runs after a stretch of bytes was written down.
    package var onReceive: ((IOHandle, Int) -> Void)?
    /// Runs after `writable` was written down.
    package var onWritable: ((IOHandle) -> Void)?

    /// Makes a handler for the sockets of one loop.
    package init(_ loop: EventLoop) { self.loop = loop }

    /// What arrived on the one connection there is, or on all of them.
    package var allBytes: [UInt8] { bytes.count == 1 ? bytes.first?.value ?? [] : bytes.values.flatMap(\.self) }

    /// The codes of the failures.
    package var failureCodes: [IOError.Code] { failed.map(\.error.code) }

    package func accepted(_ connection: IOHandle, on listener: IOHandle) {
        accepted.append(connection)
        loop.setHandler(self, of: connection)
        if let onAccept { onAccept(connection) } else { loop.startReceiving(connection) }
    }

    package func starved(_ listener: IOHandle) { starvations += 1 }

    package func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        byteCount += bytes.count
        sizes.append(bytes.count)
        if keepsBytes { self.bytes[handle, default: []].append(copying: bytes) }
        onReceive?(handle, bytes.count)
    }

    package func received(_ bytes: Span<UInt8>, from sender: SocketAddress, on handle: IOHandle) {
        var copy: [UInt8] = []
        copy.append(copying: bytes)
        datagrams.append((copy, sender))
    }

    package func ended(_ handle: IOHandle) { ended.append(handle) }

    package func writable(_ handle: IOHandle) {
        writable.append(handle)
        onWritable?(handle)
    }

    package func connected(_ handle: IOHandle) { connected.append(handle) }
    package func failed(_ handle: IOHandle, _ error: IOError) { failed.append((handle, error)) }
    package func closed(_ handle: IOHandle) { closed.append(handle) }
}

extension [UInt8] {
    /// Bytes that look alike nowhere, the same ones for the same seed.
    package static func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < Swift.min(count, 8192) {
            let word = random.next()
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        // What is longer is made of pieces of the beginning, of lengths that never fall into step.
        while bytes.count < count { bytes.append(contentsOf: bytes[0..<Int.random(in: 1000..<8192, using: &random)]) }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}

extension SendBatch {
    /// A batch of one chunk that holds a copy of `bytes`.
    package init(copying bytes: [UInt8]) {
        let chunk = FrameChunk(capacity: Swift.max(bytes.count, 1), firstOffset: 0)
        _ = chunk.append(bytes.span)
        self.init(Segment(chunk, 0, bytes.count))
    }
}
