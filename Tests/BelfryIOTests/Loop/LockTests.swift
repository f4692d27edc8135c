// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Testing

@Suite(.timeLimit(.minutes(3)))
struct LockTests {
    struct Refusal: Error, Equatable {}

    final class Shared: Sendable {
        let counter = Lock(0)
    }

    @Test("no increment from eight tasks at once is lost")
    func counts() async {
        let shared = Shared()
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<5_000 { shared.counter.withLock { $0 += 1 } } }
            }
        }
        #expect(shared.counter.withLock { $0 } == 40_000)
    }

    @Test("a thrown error keeps its type and leaves the lock open")
    func throwing() {
        let lock = Lock("a")
        #expect(throws: Refusal()) {
            try lock.withLock { (state: inout String) throws(Refusal) in
                state = "b"
                throw Refusal()
            }
        }
        #expect(lock.withLock { $0 } == "b")
    }

    @Test("a state that can't be copied stays in place")
    func noncopyable() {
        struct Once: ~Copyable {
            var value = 1
            mutating func double() -> Int {
                value *= 2
                return value
            }
        }
        let lock = Lock(Once())
        #expect(lock.withLock { $0.double() } == 2)
        #expect(lock.withLock { $0.double() } == 4)
    }

    @Test("the state goes when the lock goes")
    func releases() {
        final class Held: Sendable {}
        weak var seen: Held?
        do {
            let held = Held()
            seen = held
            let lock = Lock(held)
            #expect(seen != nil)
            _ = consume lock
        }
        #expect(seen == nil)
    }

    #if DEBUG
    @Test("locking twice on one thread stops a debug build")
    func recursion() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let shared = Shared()
            shared.counter.withLock { _ in shared.counter.withLock { _ in } }
        }
        let output = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(output.contains("locked again by the thread that holds it"))
    }
    #endif
}
