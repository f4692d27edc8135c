// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import Synchronization

/// How publishers wait for what they publish.
struct PublisherOptions: Sendable {
    var publishers: Int
    var rooms: Int
    var payload: Int
    var durability: Durability
    /// Messages a second of all together at most; 0 for as many as there can be.
    var rate: Int
}

/// Many publishers, each waiting for one message at a time.
final class Publishers: Sendable {
    private let options: PublisherOptions
    private let rooms: [Room]
    private let published = Atomic<Int>(0)
    private let isStopped = Atomic<Bool>(false)
    private let isMeasured = Atomic<Bool>(false)

    /// - Parameter rooms: Where, taking turns; each publisher runs on its room's loop, as a server's handlers do.
    init(_ options: PublisherOptions, rooms: [Room]) {
        self.options = options
        self.rooms = rooms
    }

    /// Messages that are done so far.
    var count: Int { published.load(ordering: .relaxed) }

    func beginMeasuring() { isMeasured.store(true, ordering: .relaxed) }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Publishes until it is stopped.
    ///
    /// - Returns: How long each measured message took, in nanoseconds; sorted.
    func run() async throws -> [Int64] {
        let began = ContinuousClock.now
        return try await withThrowingTaskGroup(of: [Int64].self) { tasks in
            for index in 0..<options.publishers {
                let room = rooms[index % rooms.count]
                tasks.addTask(executorPreference: room.loop) { try await self.publish(index, room, began) }
            }
            var all: [Int64] = []
            for try await times in tasks { all += times }
            return all.sorted()
        }
    }

    private func publish(_ index: Int, _ room: Room, _ began: ContinuousClock.Instant) async throws -> [Int64] {
        var times: [Int64] = []
        let payload = Payload.text(String(repeating: "belfry \(index % 100) ", count: options.payload / 8 + 1))
        while !isStopped.load(ordering: .relaxed) {
            let start = ContinuousClock.now
            try await room.publish(event: "said", payload, durability: options.durability)
            let now = ContinuousClock.now
            if isMeasured.load(ordering: .relaxed) { times.append(start.duration(to: now).inNanoseconds) }
            let done = published.add(1, ordering: .relaxed).newValue
            if options.durability == .ordered, times.count % 64 == 63 { await Task.yield() }
            guard options.rate > 0 else { continue }
            // Only who is a good deal ahead waits: to sleep costs more than to publish.
            let due = began + .nanoseconds(Int64(done) * 1_000_000_000 / Int64(options.rate))
            if due > now + .milliseconds(5) { try await Task.sleep(until: due, clock: .continuous) }
        }
        return times
    }
}

extension Duration {
    var inNanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
    var inSeconds: Double { Double(inNanoseconds) / 1e9 }
}

extension [Int64] {
    /// Of sorted nanoseconds, in milliseconds.
    func percentile(_ share: Double) -> Double {
        guard !isEmpty else { return .nan }
        return Double(self[Swift.min(count - 1, Int(Double(count) * share))]) / 1e6
    }
}
