// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

@testable import Belfry

@Suite(.timeLimit(.minutes(3)))
struct SlowSubscriberTests {
    private static let payload = Payload.text(String(repeating: "x", count: 1_000))

    /// Publishes 6,000 messages of a thousand bytes past one subscriber that does not read and one that does.
    ///
    /// - Returns: What the slow one saw once it read again, up to the message `last` or the end.
    private func publishPast(
        _ setup: LoopSetup,
        lag: LagLimit,
        key: @Sendable (Int) -> String = { "\($0)" },
        then check: (TestBroker) async throws -> Void = { _ in }
    ) async throws -> [String] {
        var frontEnd = LineFrontEnd()
        frontEnd.lag = lag
        var seen: [String] = []
        try await withBroker(setup, listener: .unix, frontEnd: frontEnd) { test in
            let slow = try await test.join("flood", count: 1)[0]
            let quick = try await test.join("flood", count: 1)[0]
            await slow.setReading(false)
            let room = try await test.broker.room("flood")
            var peak = 0
            for number in 0..<6_000 {
                try await room.publish(event: key(number), Self.payload)
                if number % 100 == 99 {
                    // The quick one keeps up: it is not to be caught by the limit.
                    for _ in 0..<100 { #expect(await quick.line()?.hasPrefix("M flood ") == true) }
                    peak = max(peak, test.broker.statistics.frameLogBytes)
                }
            }
            // One limit's worth, chunks in use and to spare, and what one send holds.
            #expect(peak < lag.bytes + 6 * 300 * 1024)
            try await check(test)
            await slow.setReading(true)
            // A direct answer comes behind everything else.
            if lag.policy != .disconnect { try await slow.send("SAY done") }
            while let line = await slow.line(), line != "= done" {
                seen.append(line.replacing(" " + Self.payload.text, with: ""))
            }
        }
        return seen
    }

    /// Checks that messages and gaps together are 0..<6,000 in order, and returns the number of messages.
    private func account(_ lines: [String]) -> (received: Int, lost: Int) {
        var next = 0
        var (received, lost) = (0, 0)
        for line in lines {
            let words = line.split(separator: " ")
            if words[0] == "G", let from = Int(words[2]), let to = Int(words[3]) {
                #expect(from == next)
                lost += to - from
                next = to
            } else if let number = Int(words[2]) {
                #expect(number == next)
                received += 1
                next = number + 1
            }
        }
        #expect(next == 6_000)
        return (received, lost)
    }

    @Test("dropOldest: flat memory, exact gaps, the newest at the end", arguments: LoopSetup.all)
    func dropOldest(setup: LoopSetup) async throws {
        let lost = Lock<UInt64>(0)
        let lines = try await publishPast(
            setup,
            lag: LagLimit(messages: 100_000, bytes: 1_000_000),
            then: { test in
                lost.withLock { $0 = test.broker.statistics.lost }
            }
        )
        let found = account(lines)
        #expect(found.lost > 3_000)
        #expect(UInt64(found.lost) == lost.withLock { $0 })
        #expect(lines.last == "M flood 5999")
    }

    @Test("dropOldest by messages")
    func dropOldestMessages() async throws {
        let lag = LagLimit(messages: 100, bytes: 100_000_000)
        let lines = try await publishPast(LoopSetup(.epoll, loops: 1), lag: lag)
        let found = account(lines)
        #expect(found.lost > 4_500)
        #expect(lines.last == "M flood 5999")
    }

    @Test("dropNewest: what waited is kept, the gap stands behind it", arguments: BackendKind.testable)
    func dropNewest(backend: BackendKind) async throws {
        let lag = LagLimit(messages: 100, bytes: 1_000_000, policy: .dropNewest)
        let lines = try await publishPast(LoopSetup(backend, loops: 2), lag: lag)
        let found = account(lines)
        #expect(found.lost > 3_000)
        // One gap: all that was received lies before it.
        #expect(lines.filter { $0.hasPrefix("G") }.count == 1)
        #expect(lines.last?.hasPrefix("G") == true)
    }

    @Test("latestPerKey: the newest of each event", arguments: BackendKind.testable)
    func latestPerKey(backend: BackendKind) async throws {
        let lag = LagLimit(messages: 100, bytes: 1_000_000, policy: .latestPerKey)
        let lines = try await publishPast(LoopSetup(backend, loops: 2), lag: lag, key: { "k\($0 % 10)" })
        #expect(lines.suffix(19).filter { $0.hasPrefix("M") }.suffix(10) == (0..<10).map { "M flood k\($0)" }[...])
        var lost = 0
        for line in lines where line.hasPrefix("G") {
            let words = line.split(separator: " ").compactMap { Int($0) }
            lost += words[1] - words[0]
        }
        #expect(lost + lines.filter { $0.hasPrefix("M") }.count == 6_000)
    }

    @Test("disconnect: the slow one is closed and counted, the other goes on", arguments: BackendKind.testable)
    func disconnect(backend: BackendKind) async throws {
        let lag = LagLimit(messages: 1_000, bytes: 1_000_000, policy: .disconnect)
        _ = try await publishPast(
            LoopSetup(backend, loops: 2),
            lag: lag,
            then: { test in
                try await eventually("one connection is left") { test.broker.statistics.connections == 1 }
                #expect(test.broker.statistics.slowConsumers == 1)
            }
        )
    }

    @Test("suspend: publishers wait, in the process and on the network, and nothing is lost", arguments: LoopSetup.all)
    func suspend(setup: LoopSetup) async throws {
        var frontEnd = LineFrontEnd()
        frontEnd.lag = LagLimit(messages: 100, bytes: 100_000, policy: .suspend)
        // Turns so small that nobody is done before the limit strikes, however slow the machine: the block takes some
        // turns to reach the publishers' loops.
        let configure = { (configuration: inout BrokerConfiguration) in
            configuration.ioOptions.receiveBuffers = 8
            configuration.ioOptions.receiveBufferBytes = 16 * 1024
            configuration.ioOptions.maxReceiveBytesPerTurn = 16 * 1024
        }
        let (published, total) = (4_000, 5_600)
        try await withBroker(setup, listener: .unix, frontEnd: frontEnd, configure: configure) { test in
            let slow = try await test.join("held", count: 1)[0]
            let writers = try await test.join("held", count: 2)
            let readers = writers.map { writer in
                Task { await writer.lines(total) }
            }
            await slow.setReading(false)
            let room = try await test.broker.room("held")
            let publisher = Task {
                for _ in 0..<published { try await room.publish(event: "e", Self.payload) }
            }
            let line = Array("M held e \(Self.payload.text)\n".utf8)
            for writer in writers { try await writer.send((0..<800).flatMap { _ in line }) }
            try await eventually("the publisher waits") { await room.waitingPublishers == 1 }
            try await eventually("both clients are held") { await room.heldClients == 2 }
            #expect(test.broker.statistics.lost == 0)
            await slow.setReading(true)
            #expect(await slow.lines(total).count == total)
            try await publisher.value
            for reader in readers { #expect(await reader.value.count == total) }
            #expect(test.broker.statistics.lost == 0)
        }
    }

    @Test("a client that asks and never reads its answers is closed as a slow consumer", arguments: LoopSetup.all)
    func pendingBytes(setup: LoopSetup) async throws {
        try await withBroker(setup, listener: .unix, configure: { $0.limits.maxPendingBytes = 100_000 }) { test in
            let client = try await test.connect()
            await client.setReading(false)
            let line = Array("SAY \(Self.payload.text)\n".utf8)
            try await client.send((0..<2_000).flatMap { _ in line })
            try await eventually("it is given up") { test.broker.statistics.slowConsumers == 1 }
            try await eventually("it is closed") { test.broker.statistics.connections == 0 }
        }
    }

    @Test("beyond the memory of all frame logs, who is furthest behind loses first", arguments: [1, 2])
    func shed(loops: Int) async throws {
        let total = 3_000_000
        try await withBroker(
            LoopSetup(.epoll, loops: loops),
            listener: .unix,
            configure: {
                $0.lag = LagLimit(messages: 1_000_000, bytes: 100_000_000)
                $0.limits.maxFrameLogBytes = total
            }
        ) { test in
            var slow: [TestClient] = []
            var rooms: [Room] = []
            for number in 0..<4 {
                slow.append(try await test.join("shed\(number)", count: 1)[0])
                await slow[number].setReading(false)
                rooms.append(try await test.broker.room("shed\(number)"))
            }
            var peak = 0
            for number in 0..<6_000 {
                try await rooms[number % 4].publish(event: "\(number / 4)", Self.payload)
                peak = max(peak, test.broker.statistics.frameLogBytes)
            }
            #expect(peak < total + 4 * 600 * 1024)
            #expect(test.broker.statistics.lost > 1_500)
            for (number, client) in slow.enumerated() {
                await client.setReading(true)
                try await client.send("SAY done")
                var next = 0
                while let line = await client.line(), line != "= done" {
                    let words = line.split(separator: " ")
                    guard words[0] == "G" || words[1] == "shed\(number)" else { continue }
                    #expect(Int(words[2]) == next)
                    next = words[0] == "G" ? Int(words[3]) ?? -1 : next + 1
                }
                #expect(next == 1_500)
            }
        }
    }
}
