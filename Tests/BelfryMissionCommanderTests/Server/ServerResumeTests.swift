// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
import Testing

@testable import BelfryMissionCommander

@Suite("MissionCommander server, clients that resume", .timeLimit(.minutes(3)))
struct ServerResumeTests {
    @Test("one who asks is told where it begins, then each message's offset", arguments: LoopSetup.all)
    func begins(_ setup: LoopSetup) async throws {
        try await withServer(setup) { server, broker in
            let plain = try await server.join("plain")
            try await server.send(0, to: .all)
            let peer = try await server.join("x", resuming: "")
            let epoch = try await broker.epoch
            try await server.send(1, to: .all)
            try await server.send(2, to: "x", as: "one")
            try await server.send(3, to: .all)
            #expect(
                await peer.frames(4) == [
                    .resume("\(epoch).1"), .number(1, at: 1), .number(2, as: "one"),
                    .number(3, at: 2),
                ]
            )
            // Byte for byte as ever.
            let expected = [0, 1, 3].flatMap { frameBytes("n", #"{"n": \#($0)}"#) }
            #expect(await plain.bytes(expected.count) == expected)
        }
    }

    @Test("what the kernel had swallowed comes again, from where the client says it is", arguments: LoopSetup.all)
    func swallowed(_ setup: LoopSetup) async throws {
        try await withServer(setup) { server, broker in
            let first = try await server.join("x", resuming: "")
            let epoch = try await broker.epoch
            for number in 0..<20 { try await server.send(number, to: .all) }
            #expect(await first.frames(21).last == .number(19, at: 19))
            await first.close()
            try await server.untilAway("x")
            for number in 20..<30 {
                try await server.send(number, to: "x", as: "one")
                try await server.send(number, to: .all)
            }
            let second = try await server.join("x", resuming: "\(epoch).5")
            try await server.send(30, to: .all)
            let seen = await second.frames(37)
            let expected =
                [SeenFrame.resume("\(epoch).5")] + (5..<20).map { .number($0, at: $0) }
                + (20..<30).flatMap { [.number($0, as: "one"), .number($0, at: $0)] } + [.number(30, at: 30)]
            #expect(seen == expected)
            #expect(await server.statistics.lost == 0)
        }
    }

    @Test("one who never learnt where it is gets what was not sent to it", arguments: LoopSetup.all)
    func neverTold(_ setup: LoopSetup) async throws {
        try await withServer(setup) { server, broker in
            let first = try await server.join("x", resuming: "")
            let epoch = try await broker.epoch
            await first.close()
            try await server.untilAway("x")
            for number in 0..<3 {
                try await server.send(number, to: .all)
                try await server.send(number, to: "x", as: "one")
            }
            let second = try await server.join("x", resuming: "")
            #expect(
                await second.frames(7)
                    == [.resume("\(epoch).0")] + (0..<3).flatMap { [.number($0, at: $0), .number($0, as: "one")] }
            )
        }
    }

    @Test(
        "one whose link broke before it learnt where it is gets all that the link was given; a new one does not",
        arguments: LoopSetup.all
    )
    func unheard(_ setup: LoopSetup) async throws {
        try await withServer(setup) { server, broker in
            let plain = try await server.join("plain")
            try await server.send(0, to: .all)
            var peer = try await server.join("x", resuming: "")
            let epoch = try await broker.epoch
            for number in 1..<20 { try await server.send(number, to: .all) }
            // Twice: what the second link was given is not heard of either.
            for _ in 0..<2 {
                #expect(await peer.frames(20).last == .number(19, at: 19))
                await peer.close()
                try await server.untilAway("x")
                peer = try await server.join("x", resuming: "again")
            }
            let all = [SeenFrame.resume("\(epoch).1")] + (1..<20).map { .number($0, at: $0) }
            #expect(await peer.frames(20) == all)
            await peer.close()
            try await server.untilAway("x")
            let other = try await server.join("x", resuming: "")
            try await server.send(20, to: .all)
            #expect(await other.frames(2) == [.resume("\(epoch).20"), .number(20, at: 20)])
            await other.close()
            try await server.untilAway("x")
            // One that had a position and lost it is a new one as well.
            let known = try await server.join("x", resuming: "\(epoch).3")
            #expect(await known.frames(19).last == .number(20, at: 20))
            await known.close()
            try await server.untilAway("x")
            let fresh = try await server.join("x", resuming: "again")
            try await server.send(21, to: .all)
            #expect(await fresh.frames(2) == [.resume("\(epoch).21"), .number(21, at: 21)])
            await plain.close()
        }
    }

    @Test(
        "one who asked comes back without asking, and the other way round: nothing is missing",
        arguments: LoopSetup.all
    )
    func changes(_ setup: LoopSetup) async throws {
        try await withServer(setup) { server, broker in
            let first = try await server.join("x", resuming: "")
            let epoch = try await broker.epoch
            await first.close()
            try await server.untilAway("x")
            for number in 0..<3 {
                try await server.send(number, to: .all)
                try await server.send(number, to: "x", as: "one")
            }
            let plain = try await server.join("x")
            let expected = (0..<3).flatMap { [SeenFrame.number($0), .number($0, as: "one")] }
            #expect(await plain.frames(6) == expected)
            await plain.close()
            try await server.untilAway("x")
            for number in 0..<3 {
                try await server.send(number, to: .all)
                try await server.send(number, to: "x", as: "one")
            }
            let third = try await server.join("x", resuming: "")
            try await server.send(4, to: .all)
            #expect(await third.frames(8) == [.resume("\(epoch).6")] + expected + [.number(4, at: 6)])
        }
    }

    @Test("a second client with a connected ID goes on where it says it is", arguments: LoopSetup.all)
    func replaced(_ setup: LoopSetup) async throws {
        try await withServer(setup) { server, broker in
            let first = try await server.join("x", resuming: "")
            let epoch = try await broker.epoch
            for number in 0..<5 { try await server.send(number, to: .all) }
            #expect(await first.frames(6).count == 6)
            let second = try await RawPeer("x", resuming: "\(epoch).2", to: server.address)
            #expect(await first.ends())
            #expect(await second.frames(4) == [.resume("\(epoch).2")] + (2..<5).map { .number($0, at: $0) })
        }
    }

    @Test("a broker that keeps nothing for who resumes serves all as ever", arguments: LoopSetup.all)
    func notOffered(_ setup: LoopSetup) async throws {
        try await withServer(setup, broker: { $0.resumeHistory.messages = 0 }) { server, _ in
            let first = try await server.join("x", resuming: "")
            try await server.send(0, to: .all)
            #expect(await first.frame() == .number(0))
            await first.close()
            try await server.untilAway("x")
            try await server.send(1, to: .all)
            let second = try await server.join("x", resuming: "1.0")
            #expect(await second.frame() == .number(1))
        }
    }

    @Test(
        "a position that can't be is answered with a gap of unknown length",
        arguments: ["0.3", "ffff.18446744073709551615"]
    )
    func unknown(_ token: String) async throws {
        try await withServer { server, broker in
            let epoch = try await broker.epoch
            let peer = try await server.join("x", resuming: token)
            let begins = #"{"next": "\#(epoch).0", "recovered": false, "lost": null}"#
            let gap = #"{"from": null, "to": null, "lost": null}"#
            #expect(
                await peer.frames(2) == [
                    .marked(.own(at: nil), subject: "resume", value: begins),
                    .marked(.own(at: 0), subject: "gap", value: gap),
                ]
            )
        }
    }

    @Test(
        "a wish that is no text, or no position, is one to begin here",
        arguments: ["17", "null", #""17""#, #""-.-""#]
    )
    func badWish(_ wish: String) async throws {
        try await withServer { server, _ in
            let peer = try await RawPeer(to: server.address)
            try await peer.send(frameBytes("negotiation", #"{"id": "x", "resume": \#(wish)}"#))
            try await eventually("x is in") { await server.knownIDs["x"] == true }
            try await server.send(1, to: .all)
            let isText = wish.hasPrefix("\"")
            if isText { #expect(await peer.frame().map { "\($0)" }?.contains("recovered\\\": true") == true) }
            #expect(await peer.frame() == (isText ? .number(1, at: 0) : .number(1)))
        }
    }

    @Test(
        "what waits may grow on the wire: as much of the newest as may wait for one connection comes, the rest is a gap"
    )
    func growing() async throws {
        try await withServer(broker: { $0.limits.maxPendingBytes = 400_000 }) { server, broker in
            let first = try await server.join("x", resuming: "")
            let epoch = try await broker.epoch
            await first.close()
            try await server.untilAway("x")
            // Three times as long where it is escaped.
            let text = String(repeating: "é", count: 5_000)
            for _ in 0..<20 {
                try await server.send(to: .all, Message(subject: "n", payload: .json("{\"t\": \"\(text)\"}")))
            }
            let second = try await server.join("x", resuming: "\(epoch).0")
            let seen = await second.frames(8)
            #expect(
                seen.first
                    == .marked(
                        .own(at: nil),
                        subject: "resume",
                        value: #"{"next": "\#(epoch).14", "recovered": false, "lost": 14}"#
                    )
            )
            #expect(
                seen.dropFirst().first
                    == .marked(
                        .own(at: 0),
                        subject: "gap",
                        value: #"{"from": 0, "to": 14, "lost": 14}"#
                    )
            )
            #expect(seen.count == 8)
        }
    }

    // MARK: With a store

    private func withGate(
        _ setup: LoopSetup,
        _ body: (Server, Room, GatedStore) async throws -> Void
    ) async throws {
        let file = try HistoryFile()
        let store = GatedStore(file.store())
        try await withServer(
            setup,
            configure: { $0.stopTimeout = .seconds(20) },
            broker: {
                $0.store = store
                $0.history.messages = 4
            }
        ) { server, broker in
            let room = try await broker.room("missioncommander")
            for number in 0..<20 { try await server.send(number, to: .all) }
            do {
                try await body(server, room, store)
            } catch {
                await store.open()
                throw error
            }
            await store.open()
        }
    }

    @Test("what is sent to a client while the store is read for it comes in its place", arguments: LoopSetup.all)
    func whileReading(_ setup: LoopSetup) async throws {
        try await withGate(setup) { server, room, store in
            let epoch = String(room.epoch, radix: 16)
            await store.shut()
            let peer = try await server.join("x", resuming: "\(epoch).3")
            try await eventually("the store is asked") { await store.waiting == 1 }
            for number in 20..<30 {
                try await server.send(number, to: "x", as: "one")
                try await server.send(number, to: .all)
            }
            await store.open()
            let expected =
                [SeenFrame.resume("\(epoch).3")] + (3..<20).map { .number($0, at: $0) }
                + (20..<30).flatMap { [.number($0, as: "one"), .number($0, at: $0)] }
            #expect(await peer.frames(expected.count) == expected)
            await peer.close()
        }
    }

    @Test("a client that goes while the store is read for it loses nothing", arguments: LoopSetup.all)
    func goneWhileReading(_ setup: LoopSetup) async throws {
        try await withGate(setup) { server, room, store in
            let epoch = String(room.epoch, radix: 16)
            let first = try await server.join("x", resuming: "\(epoch).20")
            await first.close()
            try await server.untilAway("x")
            try await server.send(20, to: "x", as: "one")
            try await server.send(20, to: .all)
            await store.shut()
            for round in 1...3 {
                let peer = try await server.join("x", resuming: "\(epoch).3")
                try await eventually("the store is asked") { await store.waiting == round }
                try await server.send(20 + round, to: "x", as: "one")
                try await server.send(20 + round, to: .all)
                await peer.close()
                try await server.untilAway("x")
            }
            await store.open()
            let last = try await server.join("x", resuming: "\(epoch).3")
            let expected =
                [SeenFrame.resume("\(epoch).3")] + (3..<20).map { .number($0, at: $0) }
                + (20...23).flatMap { [.number($0, as: "one"), .number($0, at: $0)] }
            #expect(await last.frames(expected.count) == expected)
            await last.close()
        }
    }

    @Test(
        "a server that stops while the store is read says goodbye behind what was asked for",
        arguments: LoopSetup.all
    )
    func stopsWhileReading(_ setup: LoopSetup) async throws {
        try await withGate(setup) { server, room, store in
            let epoch = String(room.epoch, radix: 16)
            await store.shut()
            let peer = try await server.join("x", resuming: "\(epoch).3")
            try await eventually("the store is asked") { await store.waiting == 1 }
            try await server.send(20, to: "x", as: "one")
            async let stopped: Void = server.stop()
            try await eventually("it stops") { await server.knownIDs.isEmpty }
            await store.open()
            let expected =
                [SeenFrame.resume("\(epoch).3")] + (3..<20).map { .number($0, at: $0) }
                + [.number(20, as: "one"), .shutdown]
            #expect(await peer.frames(expected.count) == expected)
            await peer.close()
            try await stopped
        }
    }
}

extension SeenFrame {
    /// A message of the room at an offset.
    static func number(_ number: Int, at offset: Int) -> SeenFrame {
        .marked(.room(at: UInt64(offset)), subject: "n", value: #"{"n": \#(number)}"#)
    }

    /// The server's word that nothing is missing.
    static func resume(_ token: String) -> SeenFrame {
        .marked(
            .own(at: nil),
            subject: "resume",
            value: #"{"next": "\#(token)", "recovered": true, "lost": 0}"#
        )
    }
}

extension Broker {
    /// The epoch of the servers' room, as it goes over the wire.
    fileprivate var epoch: String {
        get async throws { String(try await room("missioncommander").epoch, radix: 16) }
    }
}

extension RawPeer {
    /// A client that resumes, and has said who it is.
    init(_ id: String, resuming token: String, to address: SocketAddress?) async throws {
        try await self.init(to: address)
        try send(frameBytes("negotiation", #"{"id": "\#(id)", "resume": "\#(token)"}"#))
    }
}

extension Server {
    /// Connects a client that resumes, and waits until it is in.
    func join(_ id: String, resuming token: String) async throws -> RawPeer {
        let peer = try await RawPeer(id, resuming: token, to: address)
        try await eventually("\(id) is in") { knownIDs[id] == true }
        return peer
    }
}
