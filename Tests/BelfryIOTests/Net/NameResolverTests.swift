// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization
import Testing

@testable import BelfryIO

@Suite("Name resolution", .timeLimit(.minutes(3)))
struct NameResolverTests {
    @Test("localhost has a loopback address")
    func localhost() async throws {
        let addresses = try await NameResolver().resolve(.name("localhost", port: 4000), timeout: .seconds(20))
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { $0.port == 4000 && ["127.0.0.1", "::1"].contains($0.host) })
        #expect(Set(addresses).count == addresses.count)
    }

    @Test("a name that does not exist says so")
    func unknown() async {
        let error = await #expect(throws: IOError.self) {
            try await NameResolver().resolve(.name("does-not-exist.invalid", port: 1), timeout: .seconds(30))
        }
        #expect(error?.code == .nameNotResolved)
        #expect(error?.message.contains("does-not-exist.invalid") == true)
    }

    @Test("an address is its own answer, without a thread")
    func numeric() async throws {
        let resolver = NameResolver(maxThreads: 1, maxWaiting: 1) { _, _ in
            Issue.record("an address was looked up")
            return .success([])
        }
        let endpoint = try Endpoint(parsing: "[::1]:7")
        #expect(try await resolver.resolve(endpoint) == [SocketAddress(parsing: "[::1]:7")])
    }

    @Test("an answer that does not come in time is an error")
    func timeout() async {
        let gate = DispatchSemaphore(value: 0)
        let resolver = NameResolver(maxThreads: 1, maxWaiting: 1) { _, port in
            gate.wait()
            return .success([.loopback(port: port)])
        }
        let error = await #expect(throws: IOError.self) {
            try await resolver.resolve(.name("slow.example", port: 1), timeout: .milliseconds(10))
        }
        #expect(error?.code == .timedOut)
        gate.signal()
    }

    @Test("no more look-ups run at once than allowed, and all are answered")
    func bounded() async throws {
        let running = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        let resolver = NameResolver(maxThreads: 3, maxWaiting: 100) { _, port in
            let now = running.add(1, ordering: .relaxed).newValue
            most.max(now, ordering: .relaxed)
            sched_yield()
            running.subtract(1, ordering: .relaxed)
            return .success([.loopback(port: port)])
        }
        try await withThrowingTaskGroup(of: UInt16?.self) { group in
            for port in UInt16(1)...50 {
                group.addTask {
                    try await resolver.resolve(.name("a.example", port: port), timeout: .seconds(20))[0].port
                }
            }
            var ports: Set<UInt16?> = []
            for try await port in group { ports.insert(port) }
            #expect(ports.count == 50)
        }
        #expect((1...3).contains(most.load(ordering: .relaxed)))
    }

    @Test("a queue that is full refuses, unless somebody in it has given up")
    func full() async throws {
        let gate = DispatchSemaphore(value: 0)
        let begun = Parker<Void>()
        let threads = ResolverThreads(maxThreads: 1, maxWaiting: 1) { _, port in
            begun.unpark()
            gate.wait()
            return .success([.loopback(port: port)])
        }
        let requests = (UInt16(0)..<4).map { ResolverRequest(name: "a.example", port: $0) }
        threads.submit(requests[0])
        _ = await begun.park()
        // The only thread is taken, and so is the only place in the queue.
        threads.submit(requests[1])
        threads.submit(requests[2])
        guard case .value(.failure(let error)) = await requests[2].answer.park() else {
            Issue.record("a third look-up was taken")
            return
        }
        #expect(error.code == .nameNotResolved)
        requests[1].isAbandoned.store(true, ordering: .relaxed)
        threads.submit(requests[3])
        for _ in requests { gate.signal() }
        for request in [requests[0], requests[3]] {
            guard case .value(.success(let addresses)) = await request.answer.park() else {
                Issue.record("look-up \(request.port) had no answer")
                continue
            }
            #expect(addresses == [.loopback(port: request.port)])
        }
    }

    @Test("a cancelled wait ends at once")
    func cancelled() async {
        let gate = DispatchSemaphore(value: 0)
        let resolver = NameResolver(maxThreads: 1, maxWaiting: 1) { _, port in
            gate.wait()
            return .success([.loopback(port: port)])
        }
        let waiting = Task { try await resolver.resolve(.name("slow.example", port: 4), timeout: .seconds(60)) }
        waiting.cancel()
        let error = await #expect(throws: IOError.self) { try await waiting.value }
        #expect(error?.code == .closed)
        gate.signal()
    }
}
