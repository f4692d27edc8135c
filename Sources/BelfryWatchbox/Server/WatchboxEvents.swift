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
        var isRunning = false
        var lost = 0
    }

    private let state = Lock(State())
    private let readers = ReaderList<Event>()
    private let name: String
    private let limit: Int
    private let log: WatchboxLog

    init(_ name: String, limit: Int, log: WatchboxLog) {
        self.name = name
        self.limit = max(1, limit)
        self.log = log
    }

    /// Whether anybody hears.
    var isHeard: Bool { state.withLock { $0.handler != nil } || !readers.isEmpty }

    /// Sets the handler: the last one wins, also for what waits.
    func handle(_ handler: @escaping Handler) { state.withLock { $0.handler = handler } }

    /// A sequence of what comes from now on.
    func sequence() -> Queue<Event> { readers.add(Queue(.init(limit: 1_024))) }

    /// Tells everybody; false when the handler has too much waiting and does not get it.
    @discardableResult
    func send(_ event: Event) -> Bool {
        readers.send(event)
        let (isTaken, starts) = state.withLock { state -> (Bool, Bool) in
            guard state.handler != nil else { return (true, false) }
            guard state.waiting.count < limit else {
                state.lost += 1
                return (false, false)
            }
            state.waiting.append(event)
            defer { state.isRunning = true }
            return (true, !state.isRunning)
        }
        if starts { Task { await self.run() } }
        return isTaken
    }

    private func run() async {
        while let (handler, event, lost) = next() {
            if lost > 0 { log.write(1, "the handler of \(name) is too slow: \(lost) were left out") }
            do { try await handler(event) } catch { log.write(1, "the handler of \(name) failed: \(error)") }
        }
    }

    private func next() -> (Handler, Event, lost: Int)? {
        state.withLock { state in
            guard let handler = state.handler, let event = state.waiting.popFirst() else {
                state.isRunning = false
                return nil
            }
            defer { state.lost = 0 }
            return (handler, event, state.lost)
        }
    }
}
