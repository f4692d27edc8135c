// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
import BelfryWatchbox
import Testing

@Suite("Watchbox client", .timeLimit(.minutes(3)))
struct WatchboxClientTests {
    @Test("it registers, asks, joins, and then asks again", arguments: BackendKind.testable)
    func begins(_ backend: BackendKind) async throws {
        try await withStation(backend) { station, client in
            let messages = client.join("a b")
            try await eventually("the join") { await station.isMember(of: "a b") }
            await station.publish([#""im here!""#, #"{"a": 1}"#], to: "a b")
            #expect(try await take(2, from: messages) == ["im here!", #"{"a": 1}"#])
            #expect(await station.lines.prefix(4) == ["register", "get a b", "join a b", "get* a b"])
            #expect(await client.isRegistered)
        }
    }

    @Test(
        "messages come in order from servers that hold questions, and from those that do not",
        arguments: [true, false]
    )
    func order(_ holds: Bool) async throws {
        for backend in BackendKind.testable {
            try await withStation(backend, holds: holds) { station, client in
                let (first, second) = (client.join("a"), client.join("b"))
                try await eventually("both joins") {
                    let (isInFirst, isInSecond) = await (station.isMember(of: "a"), station.isMember(of: "b"))
                    return isInFirst && isInSecond
                }
                let texts = (0..<200).map { "\($0)" }
                await station.publish(texts, to: "a")
                await station.publish(texts, to: "b")
                #expect(try await take(200, from: first) == texts)
                #expect(try await take(200, from: second) == texts)
            }
        }
    }

    @Test("a server that holds questions gets one for all groups")
    func holdsOne() async throws {
        try await withStation { station, client in
            let all = ["a", "b", "c"].map { client.join($0) }
            try await eventually("all in one") {
                // Each message lets the held question go, and the groups meet in the next one.
                for group in ["a", "b", "c"] { await station.publish(["1"], to: group) }
                return await station.asked.contains { $0.holds && $0.groups.count == 3 }
            }
            for messages in all { #expect(try await take(1, from: messages) == ["1"]) }
        }
    }

    @Test("an original server is asked plainly, one group at a time", arguments: BackendKind.testable)
    func original(_ backend: BackendKind) async throws {
        try await withStation(backend, holds: false) { station, client in
            let messages = client.join("a")
            try await eventually("plain questions") { await station.lines.suffix(3) == ["get a", "get a", "get a"] }
            // What looks like a batch is a message here.
            let batch = #"[{"group":"a","message":1}]"#
            await station.publish([batch], to: "a")
            #expect(try await take(1, from: messages) == [batch])
        }
    }

    @Test("two sequences of one group get every message, and one question asks for both")
    func twice() async throws {
        try await withStation(holds: false) { station, client in
            let (first, second) = (client.join("a"), client.join("a"))
            try await eventually("the join") { await station.isMember(of: "a") }
            await station.publish(["1", "2"], to: "a")
            #expect(try await take(2, from: first) == ["1", "2"])
            #expect(try await take(2, from: second) == ["1", "2"])
            #expect(await station.count("join") == 1)
        }
    }

    @Test("a group that was left is asked for no more, and its sequences end")
    func leaves() async throws {
        try await withStation(holds: false) { station, client in
            let (left, other) = (client.join("a"), client.join("b"))
            try await eventually("the join") { await station.isMember(of: "a") }
            client.leave("a")
            #expect(try await take(1, from: left) == [])
            let count = await station.asked.count { $0.groups == ["a"] }
            try await eventually("further questions") { await station.asked.count { $0.groups == ["b"] } > 20 }
            // One may have been under way.
            #expect(await station.asked.count { $0.groups == ["a"] } <= count + 1)
            await client.close()
            #expect(try await take(1, from: other) == [])
        }
    }

    @Test("a group that nobody reads any more is asked for no more")
    func drops() async throws {
        try await withStation(holds: false) { station, client in
            do {
                let dropped = client.join("a")
                try await eventually("the join") { await station.isMember(of: "a") }
                await station.publish(["1"], to: "a")
                #expect(try await take(1, from: dropped) == ["1"])
            }
            let other = client.join("b")
            try await eventually("only the other") { await station.lines.suffix(10).allSatisfy { $0.hasSuffix(" b") } }
            withExtendedLifetime(other) {}
        }
    }

    @Test("a sequence keeps its client, which ends with the last of them")
    func dropped() async throws {
        let station = WatchboxStation(.epoll, holds: false)
        try await station.start()
        let loop = try await readOne(from: station)
        // The client's own, which ends with it.
        await loop.waitUntilStopped()
        await station.stop()
    }

    /// Reads a message of a client that nobody holds but its sequence; the client's loop.
    private func readOne(from station: WatchboxStation) async throws -> EventLoop {
        let url = "http://127.0.0.1:\(await station.port)"
        var client: WatchboxClient? = try WatchboxClient(url, io: .epoll, logger: .silent)
        let (loop, messages) = (try #require(client?.loop), try #require(client?.join("a")))
        client = nil
        try await eventually("the join") { await station.isMember(of: "a") }
        await station.publish(["1"], to: "a")
        #expect(try await take(1, from: messages) == ["1"])
        return loop
    }

    @Test("a reader that is behind holds up its own group alone")
    func suspends() async throws {
        try await withStation { station, client in
            let (slow, quick) = (client.join("slow", limit: 2), client.join("quick"))
            try await eventually("both joins") {
                let (isInFirst, isInSecond) = await (station.isMember(of: "slow"), station.isMember(of: "quick"))
                return isInFirst && isInSecond
            }
            let texts = (0..<300).map { "\($0)" }
            for text in texts {
                await station.publish([text], to: "slow")
                await station.publish([text], to: "quick")
            }
            #expect(try await take(300, from: quick) == texts)
            #expect(await station.waiting(in: "slow") > 0)
            #expect(try await take(300, from: slow) == texts)
        }
    }

    @Test("a reader that may lose messages is told where")
    func overflows() async throws {
        try await withStation { station, client in
            let messages = client.join("a", limit: 2, onOverflow: .dropOldest)
            let all = client.join("a")
            try await eventually("the join") { await station.isMember(of: "a") }
            await station.publish(["1", "2", "3", "4", "5"], to: "a")
            #expect(try await take(5, from: all) == ["1", "2", "3", "4", "5"])
            #expect(try await take(3, from: messages) == ["gap", "4", "5"])
        }
    }

    @Test("without groups the registration is kept alive")
    func keepsAlive() async throws {
        try await withStation(configure: { $0.serverTimeout = .milliseconds(30) }) { station, client in
            try await client.connect()
            try await eventually("registrations") { await station.count("register") > 3 }
            let events = client.events
            await station.forget()
            #expect(try await takeEvents(2, from: events) == ["disconnected notRegistered", "reconnected"])
        }
    }
}
