// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryNucosMQ
import BelfryTesting
import Testing

@Suite("NucosClient, readers that are too slow", .timeLimit(.minutes(3)))
struct NucosClientBackPressureTests {
    /// Messages that are more than the sockets' buffers and the queues hold.
    private static let count = 3_000
    private static let padding = String(repeating: "x", count: 4_000)

    private func number(_ message: NucosMessage) -> Int? {
        message.content.jsonString.flatMap { Int($0.prefix { $0 != " " }) }
    }

    @Test("a reader with .suspend holds the socket and loses nothing", arguments: BackendKind.testable, [1, 10, 1_000])
    func suspend(_ backend: BackendKind, limit: Int) async throws {
        try await withExchange(backend) { exchange in
            let client = try await exchange.started()
            let slow = client.room("flood").messages(limit: limit, onOverflow: .suspend)
            let second = client.room("flood").messages(limit: limit, onOverflow: .suspend)
            try await exchange.join(client, "flood")
            for number in 0..<200 {
                try await exchange.server.publish(room: "flood", event: "n", content: .text("\(number) "))
            }
            try await eventually("a full reader") { slow.statistics.currentCount == min(limit, 200) }
            // Side by side: neither gets further ahead of the other than its limit.
            async let one = numbers(slow)
            async let two = numbers(second)
            let (first, other) = try await (one, two)
            #expect(first == Array(0..<200))
            #expect(other == Array(0..<200))
            await client.close()
        }
    }

    private func numbers(_ queue: Queue<NucosMessage>) async throws -> [Int] {
        var seen: [Int] = []
        var iterator = queue.makeAsyncIterator()
        while seen.count < 200, case .element(let message) = try await iterator.next() {
            if let number = number(message) { seen.append(number) }
        }
        return seen
    }

    @Test("other policies lose messages, and every loss is counted and told", arguments: BackendKind.testable)
    func gaps(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let client = try await exchange.started()
            let oldest = client.room("flood").messages(limit: 10, onOverflow: .dropOldest)
            let all = client.events(limit: 4_096)
            try await exchange.join(client, "flood")
            for number in 0..<200 {
                try await exchange.server.publish(room: "flood", event: "n", content: .text("\(number) "))
            }
            #expect(try await take(200, from: all).count == 200)
            var lost: UInt64 = 0
            var seen: [Int] = []
            var iterator = oldest.makeAsyncIterator()
            while seen.last != 199, let delivery = try await iterator.next() {
                switch delivery {
                case .element(let message): if let number = number(message) { seen.append(number) }
                case .gap(let from, let to): lost += to - from
                }
            }
            #expect(seen == Array(190..<200))
            #expect(lost == 190)
            await client.close()
        }
    }

    @Test(
        "a reader that goes away lets the others go on, and closing works beside one that never reads",
        arguments: BackendKind.testable
    )
    func leaving(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            let client = try await exchange.started()
            var blocked: Queue<NucosMessage>? = client.room("flood").messages(limit: 5, onOverflow: .suspend)
            let all = client.events(limit: 4_096)
            try await exchange.join(client, "flood")
            for number in 0..<200 {
                try await exchange.server.publish(room: "flood", event: "n", content: .text("\(number) "))
            }
            try await eventually("a full reader") { blocked?.statistics.currentCount == 5 }
            blocked = nil
            #expect(try await take(200, from: all).count == 200)
            let never = client.room("flood").messages(limit: 1, onOverflow: .suspend)
            for number in 0..<200 {
                try await exchange.server.publish(room: "flood", event: "n", content: .text("\(number) "))
            }
            try await eventually("a full reader") { never.statistics.currentCount == 1 }
            await client.close()
            #expect(await !client.isConnected)
            #expect(try await take(2, from: never).count == 1)
        }
    }

    @Test("a flood of large messages goes through a small callback queue", arguments: BackendKind.testable)
    func flood(_ backend: BackendKind) async throws {
        try await withExchange(backend) { exchange in
            var configuration = NucosClientConfiguration()
            configuration.maxQueuedMessages = 8
            let sender = try await exchange.started()
            let inbound = exchange.server.events(limit: 16)
            let notes = Notes()
            let receiver = try await exchange.started(configuration: configuration)
            await receiver.on(event: "n") { await notes.add("\($0.bytes.count)") }
            async let sent: Void = { () async throws in
                for number in 0..<Self.count {
                    let result = await sender.send(event: "n", content: .text("\(number) \(Self.padding)"))
                    guard result == .sent else { throw ConditionNotMet("message \(number) was \(result)") }
                }
            }()
            var iterator = inbound.makeAsyncIterator()
            for expected in 0..<Self.count {
                guard case .element(let event) = try await iterator.next() else { break }
                #expect(event.content.jsonString?.hasPrefix("\(expected) ") == true)
            }
            try await sent
            for _ in 0..<100 { await exchange.server.sendAll(event: "n", content: .text(Self.padding)) }
            try await notes.wait(for: 100)
            await sender.close()
            await receiver.close()
        }
    }
}
