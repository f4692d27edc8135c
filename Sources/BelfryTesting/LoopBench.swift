// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO

/// An actor on an event loop, for tests: its code runs between the loop's turns and may call the loop directly.
package actor LoopBench: LoopBound {
    /// The loop.
    package nonisolated let loop: EventLoop
    private var waits: [UInt64: Wait] = [:]
    private var lastWait: UInt64 = 0
    private var wantedTurns = 0

    /// How long a test waits in real time for what should happen at once.
    private static let patience = Duration.seconds(20)

    private struct Wait {
        let condition: () -> Bool
        let continuation: CheckedContinuation<Bool, Never>
    }

    init(_ loop: EventLoop) { self.loop = loop }

    func start() { loop.addTurnEndHandler(TurnEndRelay(self)) }

    /// Suspends until `condition` holds; it is asked at the end of every turn.
    ///
    /// - Throws: ``WaitTimedOut`` after 20 s of real time.
    package func until(_ what: String, _ condition: @escaping () -> Bool) async throws {
        if condition() { return }
        lastWait += 1
        let number = lastWait
        let watchdog = Task.detached {
            try await Task.sleep(for: Self.patience)
            await self.resume(number, isMet: false)
        }
        defer { watchdog.cancel() }
        let isMet = await withCheckedContinuation { continuation in
            waits[number] = Wait(condition: condition, continuation: continuation)
        }
        guard isMet else { throw WaitTimedOut(what: what) }
    }

    /// Suspends until the loop's clock has gone on by `duration`.
    package func pass(_ duration: Duration) async {
        _ = await loop.sleep(for: duration)
    }

    /// Suspends until the loop has been through the kernel and back.
    package func turn() async throws {
        let now = loop.statistics.turns
        wantedTurns += 1
        defer { wantedTurns -= 1 }
        try await until("another turn") { [loop] in loop.statistics.turns > now }
    }

    /// Looks at the conditions; true while somebody waits for a turn that nothing else might bring about.
    fileprivate func check() -> Bool {
        for (number, wait) in waits where wait.condition() { resume(number, isMet: true) }
        return wantedTurns > 0
    }

    private func resume(_ number: UInt64, isMet: Bool) {
        waits.removeValue(forKey: number)?.continuation.resume(returning: isMet)
    }
}

/// A condition did not come true within its time.
package struct WaitTimedOut: Error, CustomStringConvertible {
    /// What was waited for.
    package let what: String

    /// One sentence for a person.
    package var description: String { "waited in vain for: \(what)" }
}

/// Has a bench look at its conditions at the end of every turn.
private final class TurnEndRelay: TurnEndHandler {
    private weak let bench: LoopBench?

    init(_ bench: LoopBench) { self.bench = bench }

    func turnEnded() -> Bool {
        bench?.assumeIsolated { $0.check() } ?? false
    }
}

/// Runs `body` on a new event loop, then stops it.
///
/// - Throws: What `body` throws, or ``IOError`` when the backend cannot be had.
package func withLoop<R: Sendable>(
    _ backend: BackendKind,
    options: IOOptions = IOOptions(),
    _ body: @Sendable (isolated LoopBench) async throws -> R
) async throws -> R {
    let loop = try EventLoop(backend: backend, options: options)
    let bench = LoopBench(loop)
    await bench.start()
    let result: Result<R, any Error>
    do {
        result = .success(try await body(bench))
    } catch {
        result = .failure(error)
    }
    loop.stop()
    await loop.waitUntilStopped()
    return try result.get()
}
