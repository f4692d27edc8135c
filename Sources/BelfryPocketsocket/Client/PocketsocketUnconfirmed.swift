// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// The messages that a server has been sent on this connection, and has not given a receipt for.
///
/// An original server gives a receipt for each; one that gives none is not asked for any.
struct PocketsocketUnconfirmed {
    typealias Item = PocketsocketClientOutbox.Item

    /// Only so many of the latest are remembered.
    static let limit = 1_000

    private var items: [String: Item] = [:]
    /// In the order of sending; those with a receipt are still among them.
    private var order: Deque<String> = []
    /// Whether the server has given a receipt on this connection.
    private(set) var isConfirming = false

    /// Remembers a message; the one that is forgotten for it, which has no receipt.
    mutating func add(_ item: Item) -> Item? {
        guard let id = item.id else { return nil }
        items[id] = item
        order.append(id)
        guard order.count > Self.limit, let oldest = order.popFirst() else { return nil }
        return items.removeValue(forKey: oldest)
    }

    /// The message of an id, which has its receipt or was not sent after all; nil for an unknown one.
    mutating func remove(_ id: String, isConfirmed: Bool) -> Item? {
        guard let item = items.removeValue(forKey: id) else { return nil }
        if isConfirmed { isConfirming = true }
        return item
    }

    /// All, in order; forgets them.
    mutating func removeAll() -> [Item] {
        defer { self = PocketsocketUnconfirmed() }
        return order.compactMap { items[$0] }
    }
}
