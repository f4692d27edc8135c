// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

@testable import Belfry

extension Room {
    /// Whether somebody waits for its next message.
    var isFollowed: Bool { withCore { !$0.consumers.isEmpty && !$0.waitingConsumers.isEmpty } }
    /// Whether somebody follows who comes and goes.
    var isWatched: Bool { withCore { !$0.presenceWatchers.isEmpty } }
    /// Publishers that wait for a slow subscriber.
    var waitingPublishers: Int { withCore { $0.blockedPublishers.count } }
    /// Clients that are not read from because of a slow subscriber.
    var heldClients: Int { withCore { $0.heldBack.count } }
}
