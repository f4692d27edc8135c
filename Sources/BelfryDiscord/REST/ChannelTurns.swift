// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import DequeModule

/// Lets those who write in one channel take turns in their order, whatever happens in others.
///
/// Loop-confined.
final class ChannelTurns {
    private var waiting: [Int: Deque<Parker<Void>>] = [:]

    /// Waits for the turn; whoever gets it passes it on.
    ///
    /// - Throws: ``DiscordError`` `.cancelled`.
    func take(_ channel: Int) async throws(DiscordError) {
        guard waiting[channel] != nil else {
            waiting[channel] = []
            return
        }
        let parker = Parker<Void>()
        waiting[channel]?.append(parker)
        guard case .cancelled = await parker.park() else { return }
        if let index = waiting[channel]?.firstIndex(where: { $0 === parker }) {
            waiting[channel]?.remove(at: index)
        } else {
            // The turn came at the same moment.
            pass(channel)
        }
        throw DiscordError(.cancelled, "cancelled while waiting to post")
    }

    func pass(_ channel: Int) {
        // Who is next takes over at once, so that nobody slips in between.
        if let next = waiting[channel]?.popFirst() { next.unpark() } else { waiting[channel] = nil }
    }
}
