// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// The encoded messages of one room in one wire format: the writer's end.
///
/// Loop-confined to the room's home.
///
/// Keeps only the chunk it writes to; older chunks belong to the rosters whose subscribers still need them.
final class FrameLog {
    let format: any WireFormat
    let formatName: String
    private(set) var tail: FrameChunk
    private let meter: MemoryMeter
    /// A chunk that everybody is done with, kept for the next roll-over.
    private var spare: FrameChunk?
    /// Told of every new chunk.
    var readers: [any FrameLogReader] = []
    /// Whether it grew this turn and its readers are still to be told.
    var isDirty = false
    /// Whether chunks keep each frame's key; turned on by the first subscriber who wants the newest per key.
    private(set) var isKeyed = false

    /// A room that says little holds little; one that says much gets larger chunks soon.
    private static let firstChunkBytes = 4 * 1024
    private static let maxChunkBytes = 256 * 1024

    init(format: any WireFormat, firstOffset: UInt64, meter: MemoryMeter) {
        self.format = format
        formatName = format.name
        self.meter = meter
        tail = FrameChunk(capacity: Self.firstChunkBytes, firstOffset: firstOffset, meter: meter)
    }

    /// Appends one frame, starting a new chunk when it does not fit.
    func append(_ frame: Span<UInt8>, key: UInt64) {
        if tail.append(frame, key: key) { return }
        rollOver(atLeast: frame.count)
        _ = tail.append(frame, key: key)
    }

    /// From here on frames carry keys.
    func keepKeys() {
        guard !isKeyed else { return }
        isKeyed = true
        spare = nil
        rollOver(atLeast: 0)
    }

    /// Nobody on that loop follows any more.
    func removeReader(_ loop: Int) {
        for reader in readers where reader.loopIndex == loop { (reader as? Roster)?.log = nil }
        readers.removeAll { $0.loopIndex == loop }
    }

    private func rollOver(atLeast bytes: Int) {
        let offset = tail.endOffset
        if let spare, spare.capacity >= bytes {
            spare.reset(firstOffset: offset)
            tail = spare
            self.spare = nil
        } else {
            let grown = min(tail.capacity * 2, Self.maxChunkBytes)
            tail = FrameChunk(capacity: max(grown, bytes), firstOffset: offset, keyed: isKeyed, meter: meter)
        }
        for reader in readers { reader.logRolledOver(to: tail) }
    }

    /// Takes a chunk back that its reader let go of; used again if nobody else holds it.
    ///
    /// Only while the one reader is on this loop: another loop's last look at the memory would not be ordered.
    func reclaim(_ chunk: inout FrameChunk) {
        guard spare == nil, readers.count == 1, chunk.capacity == Self.maxChunkBytes,
            chunk.isKeyed == isKeyed, isKnownUniquelyReferenced(&chunk)
        else { return }
        spare = chunk
    }
}

/// Who follows a frame log on some loop.
protocol FrameLogReader: AnyObject {
    /// The loop it is on.
    var loopIndex: Int { get }
    /// The log goes on in a new chunk.
    func logRolledOver(to chunk: FrameChunk)
    /// The log grew during this turn, up to an offset.
    func logGrew(to end: UInt64)
}
