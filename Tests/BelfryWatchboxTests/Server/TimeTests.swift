// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
import BelfryWatchbox
import Glibc
import Synchronization
import Testing

/// Set by a handler off the loop.
private final class Flag: Sendable {
    let isSet = Atomic(false)

    /// Holds the thread up until it is set, ten seconds at most.
    func isSetInTime() -> Bool {
        for _ in 0..<10_000 where !isSet.load(ordering: .acquiring) { usleep(1_000) }
        return isSet.load(ordering: .acquiring)
    }
}

/// On a clock of their own, which moves when all have nothing to do but wait.
@Suite("Watchbox in time", .timeLimit(.minutes(3)))
struct TimeTests {
    /// Runs `body` with a page on the server's own loop.
    private func withPage(
        configure: (inout WatchboxConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (isolated Page, RunningWatchbox) async throws -> Void
    ) async throws {
        try await withWatchbox(LoopSetup(.simulated, loops: 1), configure: configure) { running in
            let loop = running.broker.loop
            // On the loop from the first step to the last: nothing else may be waited for while the clock moves.
            let work = Task(executorPreference: loop) {
                let page = try await Page(to: running.address, on: loop)
                try await page.run { try await body($0, running) }
            }
            try await work.value
        }
    }

    @Test("a silent client is forgotten 10 to 10.5 seconds after its last request")
    func timeout() async throws {
        try await withPage { page, running in
            for _ in 0..<5 {
                try await page.post("register")
                try await page.post("join", "group=foo")
                await page.pause(.milliseconds(137))
                try await page.post("get", "group=foo")
                await page.pause(.seconds(10))
                #expect(running.watchbox.clientCount == 1)
                await page.pause(.milliseconds(500))
                #expect(running.watchbox.clientCount == 0)
                #expect(try await page.post("get", "group=foo") == "wb41")
                #expect(running.broker.statistics.rooms == 0)
            }
            #expect(running.lines.texts.filter { $0.hasSuffix("client timed out") }.count == 5)
        }
    }

    @Test("the time-out can be changed while the server runs, and every request counts as life")
    func changed() async throws {
        try await withPage { page, running in
            running.watchbox.timeout = .seconds(2)
            try await page.post("register")
            let requests = [("get", "group=x"), ("server", "text=1"), ("brdcst", ""), ("zzz", ""), ("register", "")]
            for (type, form) in requests {
                await page.pause(.milliseconds(1_900))
                try await page.post(type, form)
            }
            #expect(running.watchbox.clientCount == 1)
            await page.pause(.milliseconds(2_500))
            #expect(running.watchbox.clientCount == 0)
        }
    }

    @Test("messages and replies live for 50 seconds")
    func ttl() async throws {
        try await withPage { page, running in
            running.watchbox.timeout = .seconds(1_000)
            try await page.post("register")
            try await page.post("join", "group=foo")
            try await page.post("join", "group=server")
            let answered = Flag()
            running.watchbox.onMessage {
                $0.reply(.text("reply"))
                answered.isSet.store(true, ordering: .releasing)
            }
            let other = try await Page(to: running.address, on: page.loop)
            try await other.post("register")
            try await other.post("brdcst", "group=foo&text=1")
            try await page.post("server", "text=1")
            // The handler is off the loop; the clock stands still as long as the loop is held up.
            try #require(answered.isSetInTime())
            await page.pause(.seconds(10))
            try await other.post("brdcst", "group=foo&text=2")
            await page.pause(.milliseconds(39_900))
            try await other.post("brdcst", "group=foo&text=3")
            await page.pause(.milliseconds(200))
            // The first is 50.1 seconds old, the second 40.1.
            #expect(try await page.post("get", "group=foo") == "2")
            await page.pause(.seconds(51))
            #expect(try await page.post("get", "group=foo") == "wb00")
            #expect(try await page.post("get", "group=server") == "wb00")
        }
    }

    @Test("a held request counts as life, and is answered when its time is up")
    func held() async throws {
        try await withPage { page, running in
            try await page.post("register")
            try await page.post("join", "group=foo")
            let start = page.loop.nowNanoseconds
            #expect(try await page.post("get", "group=foo&wait=30000") == "wb00")
            let waited = page.loop.nowNanoseconds - start
            #expect((30_000_000_000..<30_001_000_000).contains(waited))
            // More than the most, and beyond what the server gives other handlers.
            #expect(try await page.post("get", "group=foo&wait=999999999") == "wb00")
            #expect((60_000_000_000..<60_001_000_000).contains(page.loop.nowNanoseconds - start - waited))
            #expect(running.watchbox.clientCount == 1)
            await page.pause(.milliseconds(10_500))
            #expect(running.watchbox.clientCount == 0)
        }
    }
}
