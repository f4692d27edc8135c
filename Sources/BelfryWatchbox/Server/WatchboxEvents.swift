// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import DequeModule

/// Events of one kind on their way to the program: to one handler, one by one in order, and to sequences.
///
/// The handler runs in a task of its own, as long as there is something: no request waits for it.
final class WatchboxEvents<Event: Sendable>: Sendable {
    typealias Handler = @Sendable (Event) async throws -> Void

    private struct State {
        var handler: Handler?
        var waiting: Deque<Event> = []
        var bytes = 0
        var isRunning = false
        var lost = 0
    }

    private let state = Lock(State())
    private let readers = ReaderList<Event>()
    private let name: String
    private let limit: Int
    private let size: @Sendable (Event) -> Int
    private let log: WatchboxLog

    /// Bytes of events that may wait, for the handler and for each sequence.
    private static var maxBytes: Int { 16 * 1024 * 1024 }

    init(_ name: String, limit: Int, log: WatchboxLog, size: @escaping @Sendable (Event) -> Int = { _ in 0 }) {
        self.name = name
        self.limit = max(1, limit)
        self.size = size
        self.log = log
    }

    /// Whether anybody hears.
    var isHeard: Bool { state.withLock { $0.handler != nil } || !readers.isEmpty }

    /// Sets the handler: the last one wins, also for what waits.
    func handle(_ handler: @escaping Handler) { state.withLock { $0.handler = handler } }

    /// A sequence of what comes from now on.
    func sequence() -> Queue<Event> { readers.add(Queue(.init(limit: 1_024, maxBytes: Self.maxBytes, size: size))) }

    /// Tells everybody; false when the handler has too much waiting and does not get it.
    @discardableResult
    func send(_ event: Event) -> Bool {
        readers.send(event)
        let bytes = size(event)
        let (isTaken, starts) = state.withLock { state -> (Bool, Bool) in
            guard state.handler != nil else { return (true, false) }
            guard state.waiting.count < limit, state.bytes + bytes <= Self.maxBytes || state.bytes == 0 else {
                state.lost += 1
                return (false, false)
            }
            state.waiting.append(event)
            state.bytes += bytes
            defer { state.isRunning = true }
            return (true, !state.isRunning)
        }
        if starts { Task { await self.run() } }
        return isTaken
    }

    private func run() async {
        while let (handler, event, lost) = next() {
            if lost > 0 { log.failure("the handler of \(name) is too slow: \(lost) were left out") }
            do { try await handler(event) } catch { log.failure("the handler of \(name) failed: \(error)") }
        }
    }

    private func next() -> (Handler, Event, lost: Int)? {
        state.withLock { state in
            guard let handler = state.handler, let event = state.waiting.popFirst() else {
                state.isRunning = false
                return nil
            }
            state.bytes -= size(event)
            defer { state.lost = 0 }
            return (handler, event, state.lost)
        }
    }
}
