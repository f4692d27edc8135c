// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension EventLoop {
    /// Suspends for `duration` of the loop's clock; false when it was cut short, by a cancellation or the loop's end.
    ///
    /// From any thread. Who tries something again and again has to end at false: a loop that has stopped never sleeps.
    package func sleep(for duration: Duration) async -> Bool {
        guard !Task.isCancelled else { return false }
        let sleeper = Sleeper()
        if isCurrent {
            sleeper.start(for: duration, on: self)
        } else if !execute({ sleeper.start(for: duration, on: self) }) {
            return false
        }
        switch await sleeper.parker.park() {
        case .value(let isOver): return isOver
        case .cancelled:
            if isCurrent { sleeper.cancel(on: self) } else { execute { sleeper.cancel(on: self) } }
            return false
        }
    }
}

/// One sleep and its timer.
private final class Sleeper: Sendable {
    let parker = Parker<Bool>()
    private let timer = Lock<TimerID?>(nil)

    func start(for duration: Duration, on loop: EventLoop) {
        let parker = parker
        let timer = loop.schedule(after: duration, stopped: { parker.unpark(false) }, { parker.unpark(true) })
        self.timer.withLock { $0 = timer }
    }

    func cancel(on loop: EventLoop) {
        loop.cancel(timer.withLock { $0 })
    }
}
