// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryHistory
import BelfryIO
import Foundation

/// Makes a file with a long history.
struct Fill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Makes a file with many messages in one room.")
    @OptionGroup var store: StoreOptions
    @Option(help: "The file; it stays.") var file: String
    @Option(help: "Messages.") var messages = 1_000_000

    func run() async throws {
        let broker = try store.makeBroker(file)
        let room = try await broker.room("long")
        let began = ContinuousClock.now
        let messages = self.messages
        // On the room's loop, where publishing needs no hop.
        try await Task(executorPreference: room.loop) { try await Self.publish(messages, room) }.value
        print("\(messages) messages in \(began.duration(to: .now).inSeconds) s")
        _ = try await room.search("message", before: .max, limit: 1)
        print("indexed after \(began.duration(to: .now).inSeconds) s")
        await broker.shutDown()
        let size = (try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) ?? 0
        print("file: \(size / 1_048_576) MiB")
    }

    private static func publish(_ messages: Int, _ room: Room) async throws {
        let words = ["sun", "rain", "wind", "hail", "snow", "fog", "storm", "calm"]
        for number in 0..<messages {
            // A word that few have, some that many have.
            let text =
                "message \(number) says \(words[number % 8]) and \(words[number / 8 % 8]) of day\(number / 1_000) "
                + String(repeating: "x", count: 60)
            let isStored = number % 10_000 == 9_999
            try await room.publish(event: "said", .text(text), durability: isStored ? .stored : .ordered)
        }
    }
}

/// Reads a long history.
struct Read: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pages, search and resuming in a file that `fill` has made."
    )
    @OptionGroup var store: StoreOptions
    @Option(help: "The file.") var file: String
    @Option(help: "How often each is done.") var rounds = 200

    func run() async throws {
        let opening = ContinuousClock.now
        var broker = try store.makeBroker(file)
        print(String(format: "open: %.2f ms", Double(opening.duration(to: .now).inNanoseconds) / 1e6))
        let first = try await broker.room("long")
        guard let end = await first.position else { throw ValidationError("the file has no room 'long'") }
        let place = RoomPosition(epoch: end.epoch, offset: end.offset / 2)
        guard let middle = try await first.page(.before(place.offset), limit: 1).messages.first else {
            throw ValidationError("the room 'long' is too short")
        }
        await broker.shutDown()
        let kinds: [(String, @Sendable (Room) async throws -> Int)] = [
            ("first page: newest 100", { try await $0.page(limit: 100).messages.count }),
            ("oldest 100", { try await $0.page(.oldest, limit: 100).messages.count }),
            (
                "100 in the middle",
                { try await $0.page(.before(.random(in: 1_000...end.offset)), limit: 100).messages.count }
            ),
            ("100 since a time", { try await $0.page(.since(middle.timestamp), limit: 100).messages.count }),
            ("100 until a time", { try await $0.page(.until(middle.timestamp), limit: 100).messages.count }),
            ("search a word of 1,000", { try await $0.search("day\(Int.random(in: 0...999))", limit: 100).count }),
            ("search a word of all", { try await $0.search("message", limit: 100).count }),
            ("search two words", { try await $0.search("storm day\(Int.random(in: 0...999))", limit: 100).count }),
            ("resume from 1,000 back", { try await Self.resume($0, end, 1_000) }),
            ("resume from 100,000 back", { try await Self.resume($0, end, 100_000) }),
        ]
        for (name, body) in kinds {
            var cold: [Int64] = []
            for _ in 0..<max(5, rounds / 20) {
                // A new broker: nothing is in its memory, nor in SQLite's.
                broker = try store.makeBroker(file)
                let room = try await broker.room("long")
                let began = ContinuousClock.now
                _ = try await body(room)
                cold.append(began.duration(to: .now).inNanoseconds)
                await broker.shutDown()
            }
            broker = try store.makeBroker(file)
            let room = try await broker.room("long")
            var (warm, count) = ([Int64](), 0)
            for _ in 0..<rounds {
                let began = ContinuousClock.now
                count = try await body(room)
                warm.append(began.duration(to: .now).inNanoseconds)
            }
            await broker.shutDown()
            (cold, warm) = (cold.sorted(), warm.sorted())
            let label = name.padding(toLength: 26, withPad: " ", startingAt: 0)
            print(
                label,
                String(
                    format: "%4d  right after opening: median %7.3f ms, worst %7.3f; warm: median %7.3f, p99 %7.3f",
                    count,
                    cold.percentile(0.5),
                    cold.percentile(1),
                    warm.percentile(0.5),
                    warm.percentile(0.99)
                )
            )
        }
    }

    /// Resumes so many messages back, until the first one comes.
    ///
    /// Never inlined: the compiler (6.3.1) fails to split the coroutine that this becomes in a closure.
    @inline(never)
    private static func resume(_ room: Room, _ end: RoomPosition, _ back: UInt64) async throws -> Int {
        let position = RoomPosition(epoch: end.epoch, offset: end.offset - min(end.offset, back))
        let (recovered, messages) = await room.resume(after: position)
        var next: Message?
        for try await delivery in messages {
            next = delivery.message
            break
        }
        guard recovered, next?.offset == position.offset + 1 else { throw ValidationError("not recovered") }
        return 1
    }
}
