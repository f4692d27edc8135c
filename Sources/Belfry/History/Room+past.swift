// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// What came in a room before an offset, for one who has some of it.
package struct RoomPastPage: Sendable {
    /// The room's epoch.
    package let epoch: UInt64
    /// The messages, oldest first; the newest, if there were too many.
    package let messages: [Message]
    /// Whether that is all it does not have.
    package let isRecovered: Bool
    /// How many are missing; nil where nobody knows.
    package let lost: Int?
}

extension Room {
    /// What one misses who has everything before `next`.
    ///
    /// - Parameters:
    ///   - next: The first message that it does not have; nil for one that wants nothing.
    ///   - end: The offset from which on it gets everything anyway.
    ///   - limit: Messages at most.
    package func past(from next: RoomPosition?, before end: UInt64, limit: Int) async -> RoomPastPage {
        let core = coreOnLoop
        guard let next else { return RoomPastPage(epoch: epoch, messages: [], isRecovered: true, lost: 0) }
        let isKnown = core.knows(next.offset, of: next.epoch)
        let start = isKnown ? min(next.offset, end) : 0
        let wanted = end - start
        guard wanted > 0 else { return RoomPastPage(epoch: epoch, messages: [], isRecovered: isKnown, lost: 0) }
        let page = try? await page(.before(end), limit: limit)
        let messages = (page?.messages ?? []).filter { $0.offset >= start && $0.offset < end }
        let lost = Int(clamping: wanted - min(wanted, UInt64(messages.count)))
        return RoomPastPage(
            epoch: epoch,
            messages: messages,
            isRecovered: isKnown && lost == 0,
            lost: isKnown ? lost : nil
        )
    }
}

extension LoopContext {
    /// At a room's home: keeps its messages for one who may come back, until `release`.
    ///
    /// - Returns: What names it.
    package func keepPast(of room: String) -> SessionID? {
        guard let core = rooms[room] else { return nil }
        let keeper = SessionID(counter: nextNumber(), loop: index)
        core.keep(for: keeper)
        return keeper
    }

    /// At a room's home: what is kept goes, a while later.
    package func releasePast(of room: String, _ keeper: SessionID) { rooms[room]?.resumerLeft(keeper) }
}
