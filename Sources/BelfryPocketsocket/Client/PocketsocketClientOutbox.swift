// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import DequeModule

/// What waits to be sent to one server, in order and within bounds, whether there is a connection or not.
///
/// Loop-confined.
final class PocketsocketClientOutbox {
    typealias Failure = PocketsocketClientError

    /// A text to send.
    struct Item {
        /// nil for a text that is no message of ours.
        let id: String?
        let text: String
        /// Who waits for the receipt.
        var receipt: Parker<Result<PocketsocketClient.Receipt, Failure>>?

        var byteCount: Int { text.utf8.count }
    }

    /// What became of an item.
    enum Offer {
        case taken
        /// There is no room yet: the parker tells.
        case waiting(Parker<Result<Void, Failure>>)
        case refused(Failure)
    }

    private let maxMessages: Int
    private let maxBytes: Int
    private var items: Deque<Item> = []
    private var byteCount = 0
    /// Senders in the order in which they came, while the server is open and slow.
    private var waiting: Deque<(item: Item, parker: Parker<Result<Void, Failure>>)> = []
    /// Of those who empty it: there is something.
    private let filled = Parker<Void>()
    private var onEmpty: Parker<Void>?

    init(maxMessages: Int, maxBytes: Int) {
        self.maxMessages = max(1, maxMessages)
        self.maxBytes = maxBytes
    }

    var count: Int { items.count }

    /// Takes an item if there is room.
    ///
    /// - Parameter mayWait: whether the server is open, so that there will be room.
    func offer(_ item: Item, mayWait: Bool, to server: PocketsocketClient.Address) -> Offer {
        if waiting.isEmpty, hasRoom(for: item) {
            append(item)
            return .taken
        }
        guard mayWait else {
            let message = "\(items.count) messages wait for \(server), which is away"
            return .refused(Failure(.queueFull, message, messageIDs: item.id.map { [$0] } ?? []))
        }
        let parker = Parker<Result<Void, Failure>>()
        waiting.append((item, parker))
        return .waiting(parker)
    }

    /// Takes back an item that waits for room; false when it was taken meanwhile.
    func withdraw(_ parker: Parker<Result<Void, Failure>>) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.parker === parker }) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// Refuses all who wait for room: there will be none soon.
    func refuseWaiting(_ error: Failure) {
        let refused = waiting
        waiting = []
        for (_, parker) in refused { parker.unpark(.failure(error)) }
    }

    private func hasRoom(for item: Item) -> Bool {
        items.isEmpty || items.count < maxMessages && item.byteCount <= maxBytes - byteCount
    }

    private func append(_ item: Item) {
        items.append(item)
        byteCount += item.byteCount
        if items.count == 1 { filled.unpark() }
    }

    // MARK: The other end

    /// The oldest item, which stays; waits for one, and is nil in a cancelled task.
    func next() async -> Item? {
        while !Task.isCancelled {
            if let item = items.first { return item }
            if case .cancelled = await filled.park() { return nil }
        }
        return nil
    }

    /// The oldest item has left.
    func removeFirst() {
        guard let item = items.popFirst() else { return }
        byteCount -= item.byteCount
        while let first = waiting.first, hasRoom(for: first.item) {
            waiting.removeFirst()
            append(first.item)
            first.parker.unpark(.success(()))
        }
        if items.isEmpty { onEmpty?.unpark() }
    }

    /// Gives up what waits.
    func removeAll() -> [Item] {
        defer {
            items = []
            byteCount = 0
            onEmpty?.unpark()
        }
        return Array(items)
    }

    /// Returns when nothing waits, `release` is called, or in a cancelled task; for one task at a time.
    func waitUntilEmpty() async {
        guard !items.isEmpty else { return }
        let parker = Parker<Void>()
        onEmpty = parker
        _ = await parker.park()
        onEmpty = nil
    }

    func release() { onEmpty?.unpark() }
}
