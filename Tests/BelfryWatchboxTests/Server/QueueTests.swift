// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryTesting
import BelfryWatchbox
import Testing

@Suite("Watchbox queues", .timeLimit(.minutes(3)))
struct QueueTests {
    /// All that waits for a page in a group.
    private func drain(_ page: Page, _ group: String) async throws -> [String] {
        var found: [String] = []
        while true {
            let body = try await page.post("get", "group=\(group)")
            guard body != "wb00" else { return found }
            found.append(body)
        }
    }

    @Test("of sixty messages the newest fifty are left, in order", arguments: LoopSetup.all)
    func newest(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { running in
            let page = try await running.page(in: "foo", "bar")
            let other = try await running.page()
            for number in 0..<60 { try await other.post("brdcst", "group=foo&text=\(number)") }
            try await other.post("brdcst", "group=bar&text=1")
            #expect(try await drain(page, "foo") == (10..<60).map(String.init))
            #expect(try await drain(page, "bar") == ["1"])
            #expect(running.broker.statistics.lost == 10)
        }
    }

    @Test("one's own messages take no place, and the limit can be changed")
    func own() async throws {
        try await withWatchbox(configure: { $0.settings.listLimit = 3 }) { running in
            let page = try await running.page(in: "foo")
            let other = try await running.page(in: "foo")
            for number in 0..<4 {
                try await other.post("brdcst", "group=foo&text=\(number)")
                for _ in 0..<2 { try await page.post("brdcst", "group=foo&text=9\(number)") }
            }
            #expect(try await drain(page, "foo") == ["1", "2", "3"])
            running.watchbox.listLimit = 1
            #expect(try await drain(other, "foo") == ["93"])
        }
    }

    @Test("a late joiner gets nothing of before, and two tabs share one queue")
    func late() async throws {
        try await withWatchbox { running in
            let other = try await running.page(in: "foo")
            try await other.post("brdcst", "group=foo&text=0")
            let page = try await running.page(in: "foo")
            let tab = try await running.connect(cookie: await page.cookie)
            #expect(try await tab.post("register") == "wb42")
            for number in 1...4 { try await other.post("brdcst", "group=foo&text=\(number)") }
            var found: [String] = []
            for _ in 0..<2 {
                found += [try await page.post("get", "group=foo"), try await tab.post("get", "group=foo")]
            }
            #expect(found == ["1", "2", "3", "4"])
        }
    }

    @Test("a reply waits until the group server is joined; force passes the limit", arguments: LoopSetup.all)
    func replies(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup, configure: { $0.settings.listLimit = 2 }) { running in
            var messages = running.watchbox.messages.makeAsyncIterator()
            let page = try await running.page()
            #expect(try await page.post("server", "text=%2522player%25201%2520joined%2522") == "wb22")
            guard case .element(let message)? = try await messages.next() else { return }
            #expect(message.message == .json(#""player 1 joined""#))
            #expect(await message.uid == page.uid && message.client == message.uid)
            #expect(message.reply(.text("Sending a message back")))
            #expect(message.reply(.json(#"{"a":[1]}"#)))
            #expect(!message.reply(.text("no")))
            #expect(message.reply(.binary([0, 255]), force: true))
            #expect(!message.reply(.json("{"), force: true))
            #expect(try await page.post("get", "group=server") == "wb11")
            #expect(try await page.post("join", "group=server") == "wb31")
            let found = try await drain(page, "server")
            #expect(found == [#""Sending a message back""#, #"{"a":[1]}"#, #""AP8=""#])
            #expect(
                running.lines.texts.contains("watchbox : level 2 : T : reply refused: the client's limit is reached")
            )
            let stranger = try await running.page(in: "server")
            #expect(message.reply(.text("private")))
            #expect(try await stranger.post("get", "group=server") == "wb00")
            #expect(try await page.post("get", "group=server") == #""private""#)
        }
    }

    @Test("limits of clients and groups are kept")
    func limits() async throws {
        try await withWatchbox(configure: {
            $0.maxClients = 2
            $0.maxGroupsPerClient = 2
        }) { running in
            let page = try await running.page(in: "a", "b", "server")
            #expect(try await page.post("join", "group=c") == "wb24")
            #expect(try await page.post("join", "group=a") == "wb31")
            #expect(try await page.post("get", "group=c") == "wb11")
            #expect(try await page.post("join", "group=%00own") == "wb24")
            _ = try await running.page()
            let third = try await running.connect()
            let answer = try await third.ask("register")
            #expect(answer.body == "wb24" && answer.fields["set-cookie"] == nil)
            #expect(try await third.post("get", "group=a") == "wb41")
        }
    }

    @Test("a room with too long a name, or one too many, is refused", arguments: LoopSetup.all)
    func rooms(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup, broker: { $0.limits.maxRooms = 1 }) { running in
            let page = try await running.page()
            #expect(try await page.post("join", "group=%00own") == "wb24")
            #expect(try await page.post("join", "group=\(String(repeating: "x", count: 256))") == "wb24")
            #expect(try await page.post("join", "group=a") == "wb31")
            #expect(try await page.post("join", "group=b") == "wb24")
            #expect(try await page.post("get", "group=b") == "wb11")
        }
    }
}
