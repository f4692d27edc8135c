// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryHistory
import BelfryIO
import Foundation
import LoadReport

/// A room's stored messages, all of them, again and again; prints one line of JSON as `belfry-load` does.
struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Fills a file with messages in one room, then replays them all through a broker that has just started."
    )
    @OptionGroup var store: StoreOptions
    @Option(help: "Messages.") var messages = 100_000
    @Option(help: "Bytes of a payload.") var payload = 128
    @Option(help: "Seconds after which no replay begins.") var seconds = 1.0
    @Option(help: "What to call it in the report.") var label = "history"

    func validate() throws {
        guard (1...5_000_000).contains(messages), (1...1_048_576).contains(payload) else {
            throw ValidationError("messages must be 1...5000000, the payload 1...1048576 bytes")
        }
    }

    func run() async throws {
        let folder = try store.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "replay.db").path
        let first = try await fill(path)
        var report = RunReport(label: label, wire: "history", workload: "replay", connections: 1, window: 0)
        report.payloadBytes = payload
        var (elapsed, cpu, waiting): (Int64, Int64, Int64) = (0, 0, 0)
        repeat {
            let broker = try store.makeBroker(path)
            let room = try await broker.room("replay")
            let (before, began) = (Self.schedule(), ContinuousClock.now)
            let count = messages - 1
            let received = try await Task(executorPreference: room.loop) {
                try await Self.replay(room, after: first, count)
            }.value
            elapsed += began.duration(to: .now).inNanoseconds
            let after = Self.schedule()
            await broker.shutDown()
            guard received == count else { throw ValidationError("\(received) of \(count) messages came") }
            (cpu, waiting) = (cpu + after.cpu - before.cpu, waiting + after.wait - before.wait)
            report.deliveries += count
        } while elapsed < Int64(seconds * 1e9)
        report.seconds = Double(elapsed) / 1e9
        report.deliveriesPerSecond = Double(report.deliveries) / report.seconds
        report.serverMicroseconds = Double(cpu) / 1_000 / Double(report.deliveries)
        report.serverShare = Double(cpu) / Double(elapsed)
        report.serverWaitShare = Double(waiting) / Double(elapsed)
        report.peakResidentBytes = Self.peakResidentBytes()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }

    /// Where the first message stands.
    private func fill(_ path: String) async throws -> RoomPosition {
        let broker = try store.makeBroker(path)
        let room = try await broker.room("replay")
        let (messages, text) = (self.messages, String(repeating: "x", count: payload))
        try await Task(executorPreference: room.loop) { try await Self.publish(messages, text, room) }.value
        guard let end = await room.position else { throw ValidationError("the room has no position") }
        await broker.shutDown()
        return RoomPosition(epoch: end.epoch, offset: end.offset - UInt64(messages - 1))
    }

    @inline(never)
    private static func publish(_ count: Int, _ text: String, _ room: Room) async throws {
        for number in 1...count {
            let isStored = number % 10_000 == 0 || number == count
            try await room.publish(event: "said", .text(text), durability: isStored ? .stored : .ordered)
        }
    }

    /// Never inlined: the compiler (6.3.1) fails to split the coroutine that this becomes in a closure.
    @inline(never)
    private static func replay(_ room: Room, after position: RoomPosition, _ count: Int) async throws -> Int {
        let (recovered, messages) = await room.resume(after: position)
        guard recovered else { throw ValidationError("not recovered") }
        var received = 0
        for try await delivery in messages {
            received += 1
            guard let message = delivery.message, message.offset == position.offset + UInt64(received) else {
                throw ValidationError("what came as number \(received) is not that message")
            }
            if received == count { break }
        }
        return received
    }

    /// CPU and waiting of all threads of this process, from their schedstat, in nanoseconds.
    private static func schedule() -> (cpu: Int64, wait: Int64) {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return threads.reduce((0, 0)) { sum, thread in
            let text = (try? String(contentsOfFile: "/proc/self/task/\(thread)/schedstat", encoding: .utf8)) ?? ""
            let fields = text.split(separator: " ").compactMap { Int64($0) }
            return fields.count < 2 ? sum : (sum.0 + fields[0], sum.1 + fields[1])
        }
    }

    private static func peakResidentBytes() -> Double? {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let kibibytes = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
        return kibibytes.flatMap { Double($0) }.map { $0 * 1_024 }
    }
}
