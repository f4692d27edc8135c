// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry

// The room's past for a client that resumes, perhaps read from a store: what goes to the client alone stands between its
// messages, and waits for them.
extension ServerConnection {
    /// What a connection wants of the room's past.
    ///
    /// - Parameter start: nil for one that only wants to be told where it begins.
    static func replay(from start: RoomPosition?, _ configuration: Server.Configuration) -> ReplayRequest {
        ReplayRequest(
            from: start,
            keeping: HistoryLimit(messages: configuration.maxQueuedMessages, bytes: configuration.maxQueuedBytes),
            comesBefore: { connection, offset, frames in
                guard let own = connection.handler as? ServerConnection, !own.isGone else { return }
                for item in own.welcome?.next(before: offset) ?? [] { frames += item.frame }
            },
            ends: { ($0.handler as? ServerConnection)?.pastEnds() },
            begins: { ($0.handler as? ServerConnection)?.pastBegins($1) }
        )
    }

    private func pastBegins(_ start: ReplayStart) {
        guard !isGone, var welcome else { return }
        var frames: [UInt8] = []
        var lost = welcome.lost
        let missing = start.missing?.count ?? 0
        if welcome.isPositioned {
            frames = MissionCommanderPositionedFormat.resumption(start)
        } else {
            lost += missing
        }
        if lost > 0 { frames += MissionCommanderFormat.lost(lost, welcome.isPositioned ? .own(at: nil) : nil) }
        frames += welcome.stream
        welcome.stream = []
        welcome.start = nil
        self.welcome = welcome
        connection.send(frames.span)
        guard missing > 0, let id else { return }
        shared.atHome(connection.context) { $0.missed(missing, by: id, $1) }
    }

    private func pastEnds() {
        // What a link that is gone did not get is collected.
        // One by one: a send may find the link gone, and then the rest is collected at once.
        while !isGone, let item = welcome?.next() { connection.send(item.frame.span, before: item.offset) }
        guard !isGone, let isLast = welcome?.isLast else { return }
        welcome = nil
        if isLast { sayGoodbye() }
    }
}
