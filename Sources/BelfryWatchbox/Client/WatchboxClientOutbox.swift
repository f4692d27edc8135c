// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import DequeModule

/// What waits to be sent, in order and within bounds, whether the client is registered or not.
///
/// Loop-confined.
final class WatchboxClientOutbox {
    typealias Failure = WatchboxClientError

    /// A request that carries a message.
    final class Item {
        let type: String
        let body: [UInt8]
        /// The code that the server answered.
        let answer = Parker<Result<WatchboxCode, Failure>>()

        init(_ type: String, _ body: [UInt8]) {
            self.type = type
            self.body = body
        }
    }

    private let maxMessages: Int
    private let maxBytes: Int
    private var items: Deque<Item> = []
    private var byteCount = 0
    private let filled = Parker<Void>()
    private var end: Failure?

    init(maxMessages: Int, maxBytes: Int) {
        self.maxMessages = max(1, maxMessages)
        self.maxBytes = maxBytes
    }

    var count: Int { items.count }

    /// Sends a message, and waits for the server's code.
    func send(_ item: Item) async throws(Failure) -> WatchboxCode {
        if let end { throw end }
        guard items.isEmpty || items.count < maxMessages && item.body.count <= maxBytes - byteCount else {
            throw Failure(.queueFull, "\(items.count) messages wait to be sent")
        }
        items.append(item)
        byteCount += item.body.count
        if items.count == 1 { filled.unpark() }
        switch await item.answer.park() {
        case .value(let result): return try result.get()
        case .cancelled:
            remove(item)
            throw Failure(.cancelled, "cancelled while waiting for the server's answer")
        }
    }

    // MARK: The other end

    /// The oldest item, which stays; nil in a cancelled task.
    func next() async -> Item? {
        while !Task.isCancelled, end == nil {
            if let item = items.first { return item }
            if case .cancelled = await filled.park() { return nil }
        }
        return nil
    }

    /// Whether it still waits: its sender may have been cancelled.
    func holds(_ item: Item) -> Bool { items.contains { $0 === item } }

    /// Tells an item's sender what became of it.
    func finish(_ item: Item, _ result: Result<WatchboxCode, Failure>) {
        remove(item)
        item.answer.unpark(result)
    }

    /// Gives up what waits, and takes no more.
    func finish(_ error: Failure) {
        end = error
        let left = items
        items = []
        byteCount = 0
        for item in left { item.answer.unpark(.failure(error)) }
        filled.unpark()
    }

    private func remove(_ item: Item) {
        guard let index = items.firstIndex(where: { $0 === item }) else { return }
        items.remove(at: index)
        byteCount -= item.body.count
    }
}
