// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryChatBox
import BelfryTesting
import Foundation
import Testing

@Suite("Access makes pairs active", .timeLimit(.minutes(1)))
struct AccessTests {
    @Test("a new client fires create and access on the other side, a known one access alone")
    func fires() async throws {
        try await withBox { box, heard in
            box.worker1.onNewAccess { heard.add("own access \($0)") }
            let first = try await box.worker1.access("a")
            #expect(first.service1ID == "a")
            #expect(first.service2ID == 101)
            #expect(heard.all == ["create a", "access 101"])
            #expect(await box.worker1.uid(for: "a") == first.uid)
            #expect(await box.worker2.uid(for: 101) == first.uid)
            #expect(await box.uid(.service2, idText: "101") == first.uid)
            try await box.worker1.deactivate("a")
            #expect(await box.worker2.uid(for: 101) == nil)
            #expect(try await box.worker1.access("a").uid == first.uid)
            #expect(heard.all == ["create a", "access 101", "access 101"])
            let other = try await box.worker1.access("b")
            #expect(other.service2ID == 102)
            #expect(other.uid != first.uid)
        }
    }

    @Test("either service's client may be the one who comes")
    func otherSide() async throws {
        try await withBox { box, heard in
            box.worker1.onCreate { "peer of \($0)" }
            box.worker1.onNewAccess { heard.add("access \($0)") }
            let connection = try await box.worker2.access(7)
            #expect(connection.service1ID == "peer of 7")
            #expect(heard.all == ["access peer of 7"])
            #expect(await box.worker1.isActive("peer of 7"))
        }
    }

    @Test("an unknown client that is not to be created fires nothing")
    func existing() async throws {
        try await withBox { box, heard in
            #expect(try await box.worker1.accessExisting("a") == nil)
            #expect(heard.all == [])
            try await box.worker1.access("a")
            try await box.worker1.deactivate("a")
            #expect(try await box.worker1.accessExisting("a")?.service2ID == 101)
            #expect(heard.all == ["create a", "access 101", "access 101"])
        }
    }

    @Test("accesses of one new id at the same time make one pair")
    func concurrent() async throws {
        try await withBox { box, heard in
            let door = Door()
            box.worker2.onCreate { peer in
                heard.add("create \(peer)")
                await door.pass()
                return 101
            }
            let uids = try await withThrowingTaskGroup(of: UUID.self) { group in
                for _ in 0..<8 { group.addTask { try await box.worker1.access("a").uid } }
                try await eventually("the create callback waits") { door.waitingCount == 1 }
                door.open()
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(uids.count == 1)
            #expect(heard.all.count { $0 == "create a" } == 1)
            #expect(heard.all.count { $0 == "access 101" } == 8)
            // As many deactivations as accesses.
            for _ in 0..<8 {
                #expect(await box.worker2.isActive(101))
                try await box.worker1.deactivate("a")
            }
            #expect(await !box.worker1.isActive("a"))
        }
    }

    @Test("an access that waits can be cancelled, and the next one gets its turn")
    func cancelled() async throws {
        try await withBox { box, _ in
            let door = Door()
            box.worker2.onCreate { _ in
                await door.pass()
                return 101
            }
            let first = Task { try await box.worker1.access("a") }
            try await eventually("the create callback waits") { door.waitingCount == 1 }
            let second = Task { try await box.worker1.access("a") }
            second.cancel()
            await expectError(.cancelled) { _ = try await second.value }
            let third = Task { try await box.worker1.access("a") }
            door.open()
            #expect(try await first.value.uid == third.value.uid)
        }
    }

    @Test("deactivating counts, forcing does not, and a client that is not active is an error")
    func deactivation() async throws {
        try await withBox { box, _ in
            await expectError(.notActive) { try await box.worker1.deactivate("a") }
            try await box.worker1.access("a")
            try await box.worker2.access(101)
            try await box.worker1.deactivate("a")
            #expect(await box.worker1.isActive("a"))
            try await box.worker1.access("a")
            try await box.worker2.deactivate(101, force: true)
            #expect(await !box.worker1.isActive("a"))
            await expectError(.notActive) { try await box.worker2.deactivate(101) }
        }
    }

    @Test("errors of the create callback go to who accesses, and nothing is stored")
    func createErrors() async throws {
        struct Failure: Error {}
        try await withBox { box, heard in
            box.worker2.onCreate { _ in throw Failure() }
            await expectError(.createFailed) { try await box.worker1.access("a") }
            #expect(try await box.worker1.storedConnection(for: "a") == nil)
            #expect(await !box.worker1.isActive("a"))
            box.worker2.onCreate { _ in 5 }
            try await box.worker1.access("a")
            // Another client's id.
            await expectError(.idInUse) { try await box.worker1.access("b") }
            #expect(try await box.worker1.storedConnection(for: "b") == nil)
            await expectError(.noCreateCallback) { try await box.worker2.access(6) }
            await expectError(.idRequired) { try await box.worker1.access() }
            #expect(heard.all == ["access 5"])
        }
    }

    @Test("an access callback that fails is no matter, one that deactivates is")
    func accessErrors() async throws {
        struct Failure: Error {}
        try await withBox { box, _ in
            box.worker2.onNewAccess { _ in throw Failure() }
            try await box.worker1.access("a")
            #expect(await box.worker1.isActive("a"))
            try await box.worker1.deactivate("a")
            let discord = box.worker2
            box.worker2.onNewAccess { try await discord.deactivate($0) }
            await expectError(.notActive) { try await box.worker1.access("a") }
            #expect(await !box.worker1.isActive("a"))
            #expect(await !box.worker2.isActive(101))
        }
    }

    @Test("a callback that accesses the very client is told so")
    func reentrant() async throws {
        try await withBox { box, _ in
            let web = box.worker1
            box.worker2.onCreate { peer in
                try await web.access(peer)
                return 1
            }
            await expectError(.reentrantAccess) { try await box.worker1.access("a") }
        }
    }

    @Test("ids that Swift takes for equal but have other bytes are other clients")
    func bytes() async throws {
        try await withBox { box, _ in
            let composed = try await box.worker1.access("\u{E9}")
            let decomposed = try await box.worker1.access("e\u{301}")
            let cut = try await box.worker1.access("\u{E9}\0x")
            #expect(Set([composed.service2ID, decomposed.service2ID, cut.service2ID]) == [101, 102, 103])
            #expect(try await box.worker1.storedConnection(for: "\u{E9}\0x")?.service2ID == 103)
        }
    }

    @Test("a scope deactivates once, however it ends")
    func scope() async throws {
        struct Failure: Error {}
        try await withBox { box, _ in
            await #expect(throws: Failure.self) {
                try await box.worker1.withClient("a") { client in
                    #expect(await box.worker1.isActive("a"))
                    try await client.send("x")
                    #expect(try await client.messages.first(1).map(\.line) == ["0 x"])
                    throw Failure()
                }
            }
            #expect(await !box.worker1.isActive("a"))
            try await box.worker1.withClient("a") { _ in
                try await box.worker1.deactivate("a")
            }
            #expect(await !box.worker1.isActive("a"))
        }
    }

    @Test("a UUID service makes up ids, and its box tells by sequences as well")
    func sequences() async throws {
        let box = try ChatBox(service2: Int.self, debug: true)
        let (created, accessed) = (box.worker2.creations, box.worker2.accesses)
        box.worker2.onCreate { _ in 1 }
        let connection = try await box.worker1.access()
        #expect(try await created.first(1).map(\.service1ID) == [connection.service1ID])
        #expect(try await accessed.first(1).map(\.uid) == [connection.uid])
        await box.close()
    }

    @Test("as many pairs are active as may be")
    func limit() async throws {
        var configuration = ChatBoxConfiguration()
        configuration.maxActiveConnections = 2
        try await withBox(configuration: configuration) { box, _ in
            try await box.worker1.access("a")
            try await box.worker1.access("b")
            await expectError(.limitExceeded) { try await box.worker1.access("c") }
            try await box.worker1.access("a")
            try await box.worker1.deactivate("b")
            try await box.worker1.access("c")
        }
    }
}
