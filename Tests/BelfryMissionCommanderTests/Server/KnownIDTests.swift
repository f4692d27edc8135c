// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import BelfryTesting
import Testing

@Suite("MissionCommander server, known ids", .timeLimit(.minutes(3)))
struct KnownIDTests {
    @Test("what is sent to a client that is away comes first when it returns, in order", arguments: LoopSetup.all)
    func away(_ setup: LoopSetup) async throws {
        try await withServer(setup) { server, broker in
            let other = try await server.join("other")
            let first = try await server.join("x")
            try await server.send(0, to: "x")
            #expect(await first.frame() == .number(0))
            await first.finish()
            try await server.untilAway("x")
            let room = try await broker.room("missioncommander")
            for number in 1...50 {
                try await server.send(number, to: .all)
                try await server.send(number, to: "x", as: "one")
                try await room.publish(event: "room", .text("\(number)"))
            }
            let second = try await RawPeer("x", to: server.address)
            try await eventually("x is back") { await server.knownIDs["x"] == true }
            try await server.send(51, to: "x")
            let expected =
                (1...50).flatMap {
                    [
                        SeenFrame.number($0), .number($0, as: "one"),
                        .frame(subject: "room", value: "\"\($0)\""),
                    ]
                } + [.number(51)]
            let seen = await second.frames(expected.count)
            #expect(seen.count == expected.count)
            #expect(zip(seen, expected).first { $0 != $1 } == nil)
            #expect(await other.frames(100).count == 100)
            let statistics = await server.statistics
            #expect(statistics.connected == 2 && statistics.away == 0 && statistics.lost == 0)
        }
    }

    @Test("too much for a client that is away: the oldest go, and it is told how many", arguments: BackendKind.testable)
    func bounded(_ backend: BackendKind) async throws {
        let setup = LoopSetup(backend, loops: 1)
        try await withServer(setup, configure: { $0.maxQueuedMessages = 10 }) { server, _ in
            let first = try await server.join("x")
            await first.close()
            try await server.untilAway("x")
            for number in 0..<1_000 { try await server.send(number, to: number % 2 == 0 ? .all : "x") }
            let second = try await server.join("x")
            let expected =
                [SeenFrame.frame(subject: "gap", value: #"{"lost": 990}"#)] + (990..<1_000).map { .number($0) }
            #expect(await second.frames(11) == expected)
            #expect(await server.statistics.lost == 990)
            #expect(await server.statistics.away == 0)
        }
    }

    @Test("large messages for a client that is away are bounded in bytes")
    func boundedBytes() async throws {
        try await withServer(configure: { $0.maxQueuedBytes = 100_000 }) { server, _ in
            let first = try await server.join("x")
            await first.close()
            try await server.untilAway("x")
            let large = "{\"text\": \"" + String(repeating: "x", count: 30_000) + "\"}"
            for subject in ["a", "b", "c", "d", "e"] {
                try await server.send(to: .all, Message(subject: subject, payload: .json(large)))
            }
            let second = try await server.join("x")
            let seen = await second.frames(4)
            #expect(seen.first == .frame(subject: "gap", value: #"{"lost": 2}"#))
            #expect(seen.last == .frame(subject: "e", value: large))
        }
    }

    @Test("what was queued behind a broken link is not lost", arguments: LoopSetup.all.filter { $0.loops < 4 })
    func unsent(_ setup: LoopSetup) async throws {
        try await withServer(
            setup,
            configure: {
                $0.maxQueuedBytes = 64 << 20
                $0.maxQueuedMessages = 10_000
            },
            broker: {
                $0.lag.bytes = 64 << 20
                $0.limits.maxPendingBytes = 64 << 20
            }
        ) { server, _ in
            let first = try await server.join("x")
            await first.setReading(false)
            let filler = String(repeating: "x", count: 100_000)
            // More than the kernel's buffers of both sides take.
            let count = 45
            for number in 0..<count {
                let message = try Message(subject: "\(number)", payload: .json(#"{"filler": "\#(filler)"}"#))
                try await server.send(to: number % 3 == 0 ? "x" : .all, message)
            }
            await first.close()
            try await server.untilAway("x")
            try await server.send(count, to: "x")
            let second = try await server.join("x")
            var subjects: [Int] = []
            while let frame = await second.frame(), case .frame(let subject, _) = frame {
                if subject == "n" { break }
                subjects.append(Int(subject) ?? -1)
            }
            // What the kernel had taken is gone with the link; from there on nothing is missing.
            let start = try #require(subjects.first)
            #expect(start > 0)
            #expect(subjects == Array(start..<count))
        }
    }

    @Test("a second client with a connected id takes its place, and nobody else notices", arguments: LoopSetup.all)
    func replaced(_ setup: LoopSetup) async throws {
        try await withServer(setup) { server, _ in
            var changes = server.clients.makeAsyncIterator()
            let other = try await server.join("other")
            let first = try await server.join("x")
            let second = try await RawPeer("x", to: server.address)
            #expect(await first.ends())
            var kinds: [Server.ClientChange.Kind] = []
            while kinds.last != .replaced, case .element(let change)? = try await changes.next() {
                kinds.append(change.kind)
            }
            #expect(kinds == [.joined, .joined, .replaced])
            try await server.send(1, to: "x")
            try await server.send(2, to: .all)
            #expect(await second.frames(2) == [.number(1), .number(2)])
            #expect(await other.frame() == .number(2))
            #expect(await server.statistics.connected == 2)
        }
    }

    @Test(
        "clients that displace each other again and again lose nothing that was sent to the id",
        arguments: LoopSetup.all
    )
    func contested(_ setup: LoopSetup) async throws {
        try await withServer(setup) { server, _ in
            var peers: [RawPeer] = []
            for number in 0..<20 {
                peers.append(try await RawPeer("x", to: server.address))
                if number == 0 { try await eventually("x is in") { await server.knownIDs["x"] == true } }
                try await server.send(number, to: number % 2 == 0 ? .all : "x")
            }
            // Which of them is let in last is for the loops to settle.
            let arrived = Queue<Arrival>()
            for (index, peer) in peers.enumerated() {
                Task { while let frame = await peer.frame() { arrived.send(Arrival(peer: index, frame: frame)) } }
            }
            var seen: [Int: [SeenFrame]] = [:]
            var arrivals = arrived.makeAsyncIterator()
            for _ in 0..<20 {
                guard case .element(let arrival)? = try await arrivals.next() else { break }
                seen[arrival.peer, default: []].append(arrival.frame)
            }
            // Each message came to one of them, to each in order.
            let order = (0..<20).map { SeenFrame.number($0) }
            #expect(seen.values.reduce(0) { $0 + $1.count } == 20)
            #expect(order.allSatisfy { frame in seen.values.count { $0.contains(frame) } == 1 })
            for frames in seen.values {
                let places = frames.map { order.firstIndex(of: $0) ?? -1 }
                #expect(places == places.sorted())
            }
        }
    }

    private struct Arrival: Sendable {
        let peer: Int
        let frame: SeenFrame
    }

    @Test("a client that says shutdown is forgotten, with what would wait for it", arguments: LoopSetup.all)
    func left(_ setup: LoopSetup) async throws {
        try await withServer(setup) { server, _ in
            var changes = server.clients.makeAsyncIterator()
            let peer = try await server.join("x")
            try await peer.send(GoldenFrame.shutdown.bytes)
            #expect(await peer.ends())
            try await eventually("x is forgotten") { await server.knownIDs.isEmpty }
            let wasKnown = try await server.send(1, to: "x")
            #expect(!wasKnown)
            let again = try await server.join("x")
            try await server.send(2, to: "x")
            #expect(await again.frame() == .number(2))
            var seen: [Server.ClientChange] = []
            while seen.count < 3, case .element(let change)? = try await changes.next() { seen.append(change) }
            #expect(seen.map(\.kind) == [.joined, .left, .joined])
            #expect(seen.map(\.isKnown) == [true, false, true])
        }
    }

    @Test("the number of known ids is bounded: those that have been away for longest are forgotten")
    func evicted() async throws {
        try await withServer(configure: { $0.maxKnownIDs = 3 }) { server, _ in
            let stays = try await server.join("stays")
            for id in ["a", "b", "c", "d"] {
                let peer = try await server.join(id)
                await peer.close()
                try await eventually("\(id) is away") { await server.knownIDs[id] == false }
            }
            #expect(await server.knownIDs == ["stays": true, "c": false, "d": false])
            #expect(await server.statistics.forgotten == 2)
            try await server.send(1, to: .all)
            #expect(await stays.frame() == .number(1))
        }
    }
}
