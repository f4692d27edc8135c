// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Where other threads leave work for a loop: one lock, one wake for a whole batch, none at all while it is awake.
final class Inbox: Sendable {
    /// Work for the loop.
    enum Item: Sendable {
        case job(UnownedJob)
        case task(@Sendable () -> Void)
    }

    private struct State: ~Copyable {
        var items: [Item] = []
        var isAsleep = false
        var isClosed = false
    }

    private let state = Lock(State())
    private let hasItems = Atomic<Bool>(false)

    /// Leaves work.
    ///
    /// `wake` must then be carried out by the caller if the answer says so.
    func push(_ item: Item) -> PushResult {
        state.withLock { state in
            guard !state.isClosed else { return .closed }
            state.items.append(item)
            hasItems.store(true, ordering: .releasing)
            defer { state.isAsleep = false }
            return state.isAsleep ? .acceptedWake : .accepted
        }
    }

    /// What became of a push.
    enum PushResult {
        case accepted, acceptedWake, closed
    }

    /// Takes all that was left, giving `spare` (emptied) in exchange so that its memory is used again.
    func drain(into spare: inout [Item]) {
        guard hasItems.load(ordering: .acquiring) else { return }
        state.withLock { state in
            swap(&state.items, &spare)
            hasItems.store(false, ordering: .releasing)
        }
    }

    /// Announces sleep; false when work arrived meanwhile.
    func prepareToSleep() -> Bool {
        state.withLock { state in
            guard state.items.isEmpty else { return false }
            state.isAsleep = true
            return true
        }
    }

    /// Takes the announcement back.
    func awake() { state.withLock { $0.isAsleep = false } }

    /// Refuses all further work; false, and nothing changes, while there is some left to take.
    func closeIfEmpty() -> Bool {
        state.withLock { state in
            guard state.items.isEmpty else { return false }
            state.isClosed = true
            return true
        }
    }
}
