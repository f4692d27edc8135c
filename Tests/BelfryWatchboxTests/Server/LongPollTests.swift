// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryTesting
import BelfryWatchbox
import Testing

@Suite("Watchbox long polling", .timeLimit(.minutes(3)))
struct LongPollTests {
    @Test("a request waits for a message, in whichever of its groups it comes", arguments: LoopSetup.all)
    func waits(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { running in
            let page = try await running.page(in: "a", "b", "c", "server")
            let other = try await running.page()
            for group in ["a", "b", "c", "b"] {
                async let answer = page.post("get", "group=a&group=b&group=c&group=server&wait=50000")
                // Whether it comes before or behind the request must make no difference.
                try await other.post("brdcst", "group=\(group)&text=%22\(group)%22")
                #expect(try await answer == "\"\(group)\"")
            }
            #expect(try await page.post("get", "group=a&group=b&group=c&wait=1") == "wb00")
            async let pushed = page.post("get", "group=c&wait=50000")
            running.watchbox.publish(.text("by the process"), to: "c")
            #expect(try await pushed == #""by the process""#)
        }
    }

    @Test("a group that always has something keeps a batch from no other", arguments: LoopSetup.all)
    func fair(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { running in
            let page = try await running.page(in: "loud", "quiet")
            let other = try await running.page()
            try await other.post("brdcst", "group=quiet&text=1")
            var polls = 0
            while polls < 20 {
                for _ in 0..<3 { try await other.post("brdcst", "group=loud&text=0") }
                polls += 1
                if try await page.post("get", "group=loud&group=quiet&batch=2").contains("quiet") { break }
            }
            #expect(polls < 20)
        }
    }

    @Test("a batch says which group each message is from", arguments: LoopSetup.all)
    func batch(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup, configure: { $0.maxBatch = 3 }) { running in
            let page = try await running.page(in: "a", "b+%22", "server")
            let other = try await running.page()
            for number in 0..<2 {
                try await other.post("brdcst", "group=a&text=\(number)")
                try await other.post("brdcst", "group=b+%22&text=%7B%22n%22:+\(number)%7D")
            }
            let form = "group=a&group=b+%22&group=server"
            // Four in all, of which three come first; another group begins each time.
            let texts = [
                try await page.post("get", form + "&batch=1000"), try await page.post("get", form + "&batch=1"),
            ]
            let objects = texts.map { $0.dropFirst().dropLast().replacing("},{", with: "}\n{").split(separator: "\n") }
            #expect(objects.map(\.count) == [3, 1])
            let all = objects.joined().map(String.init)
            #expect(
                all.filter { $0.contains(#""a""#) }
                    == [#"{"group":"a","message":0}"#, #"{"group":"a","message":1}"#]
            )
            #expect(
                all.filter { $0.contains(#""b \""#) }
                    == [#"{"group":"b \"","message":{"n": 0}}"#, #"{"group":"b \"","message":{"n": 1}}"#]
            )
            #expect(try await page.post("get", form + "&batch=0") == "wb00")
            #expect(try await page.post("get", form + "&batch=5&wait=1") == "wb00")
            #expect(try await page.post("get", form + "&group=none&batch=5") == "wb11")
            #expect(try await page.post("get", "group=none&wait=50000") == "wb11")
            #expect(try await page.post("get", "group=a&wait=x&batch=-1") == "wb00")
        }
    }

    @Test("many wait in one group, and each gets the message once", arguments: LoopSetup.all)
    func many(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { running in
            let other = try await running.page(in: "foo")
            var pages: [Page] = []
            for _ in 0..<20 { pages.append(try await running.page(in: "foo")) }
            for page in pages { try await page.send("get", "group=foo&wait=50000") }
            for number in 0..<3 { try await other.post("brdcst", "group=foo&text=\(number)") }
            for page in pages { #expect(try await page.answer().body == "0") }
            for page in pages {
                #expect(try await page.post("get", "group=foo") == "1")
                #expect(try await page.post("get", "group=foo&wait=50000") == "2")
                #expect(try await page.post("get", "group=foo") == "wb00")
            }
        }
    }

    @Test("a request ends when its connection does; what comes later is for the next one", arguments: LoopSetup.all)
    func gone(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { running in
            let page = try await running.page(in: "foo")
            let other = try await running.page()
            let base = running.broker.statistics.connections
            let halves = try await running.connect(cookie: await page.cookie)
            try await halves.send("get", "group=foo&wait=50000")
            await halves.finish()
            #expect(try await halves.answer().body == "wb00")
            await halves.close()
            try await eventually("the first connection has gone") { running.broker.statistics.connections == base }
            let tab = try await running.connect(cookie: await page.cookie)
            try await tab.send("get", "group=foo&wait=50000")
            try await eventually("the second is there") { running.broker.statistics.connections == base + 1 }
            await tab.close()
            try await eventually("the second has gone") { running.broker.statistics.connections == base }
            try await other.post("brdcst", "group=foo&text=1")
            #expect(try await page.post("get", "group=foo&wait=50000") == "1")
        }
    }

    @Test("pipelined requests are answered in their order")
    func pipelined() async throws {
        try await withWatchbox { running in
            let page = try await running.page(in: "foo")
            let other = try await running.page()
            for form in ["group=foo&wait=50000", "group=foo&wait=20", "group=foo"] { try await page.send("get", form) }
            try await other.post("brdcst", "group=foo&text=1")
            #expect(try await page.answer().body == "1")
            #expect(try await page.answer().body == "wb00")
            #expect(try await page.answer().body == "wb00")
        }
    }

    @Test("a server that drains answers who waits", arguments: LoopSetup.all)
    func drain(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { running in
            let page = try await running.page(in: "foo", "bar")
            // Once the first is answered the second is held.
            #expect(try await page.askFirst(of: ("register", ""), ("get", "group=foo&group=bar&wait=50000")) == "wb42")
            await running.broker.shutDown()
            #expect(try await page.answer().body == "wb00")
        }
    }
}
