// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryHistory
import BelfryIO
import Foundation
import Logging

/// What a file and its broker are set up with.
struct StoreOptions: ParsableArguments {
    @Option(help: "Where the file goes, and goes again.") var folder = "/tmp"
    @Option(help: "epoll or uring.") var io = "epoll"
    @Option(help: "FULL or NORMAL: whether a commit waits for the disk.") var synchronization = "FULL"
    @Option(help: "Messages of one commit at most.") var batch: Int?

    func validate() throws {
        guard IOChoice(io) != nil, SQLiteHistory.Synchronization(rawValue: synchronization) != nil else {
            throw ValidationError("--io is epoll or uring, --synchronization FULL or NORMAL")
        }
    }

    func makeFolder() throws -> URL {
        let url = URL(fileURLWithPath: folder).appending(path: "belfry-history-bench-\(getpid())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    static var logger: Logger {
        var logger = Logger(label: "history-bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        return logger
    }

    func makeStore(_ path: String) -> SQLiteHistory {
        var setup = SQLiteHistory.Configuration()
        setup.synchronization = .init(rawValue: synchronization) ?? .full
        setup.retention = .init(messages: 10_000_000, bytes: 16 << 30)
        if let batch { setup.maxBatch = batch }
        return SQLiteHistory(path, configuration: setup, logger: Self.logger)
    }

    /// - Parameter path: The file; nil for a broker without a store.
    func makeBroker(_ path: String?, loops: Int = 1) throws -> Broker {
        var configuration = BrokerConfiguration(io: IOChoice(io) ?? .automatic, loops: loops)
        configuration.store = path.map(makeStore)
        return try Broker(configuration: configuration, logger: Self.logger)
    }
}

/// Stored publishing, with nothing beside.
struct Publish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stored publishes per second, and how long each takes.")
    @OptionGroup var store: StoreOptions
    @Option(help: "Publishers, each waiting for one message at a time.") var publishers = 512
    @Option(help: "Rooms they take turns in.") var rooms = 8
    @Option(help: "Bytes of a payload, about.") var payload = 128
    @Option(help: "Event loops.") var loops = 1
    @Option(help: "Seconds measured.") var seconds = 5.0
    @Option(help: "Messages a second at most; 0 for as many as there can be.") var rate = 0
    @Flag(help: "Do not wait for the store.") var ordered = false

    func run() async throws {
        let folder = try store.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let broker = try store.makeBroker(folder.appending(path: "history.db").path, loops: loops)
        let measured = PublisherOptions(
            publishers: publishers,
            rooms: rooms,
            payload: payload,
            durability: ordered ? .ordered : .stored,
            rate: rate
        )
        let result = try await StoredRun.measure(measured, broker, seconds: seconds)
        print("\(store.io) \(store.synchronization) publishers \(publishers) rooms \(rooms): \(result)")
        await broker.shutDown()
    }
}

/// What publishing came to.
struct StoredRun: CustomStringConvertible {
    var perSecond = 0.0
    var times: [Int64] = []
    /// Microseconds of CPU for each message, of the loops and of the whole process.
    var loopMicroseconds = 0.0
    var processMicroseconds = 0.0

    static func measure(_ options: PublisherOptions, _ broker: Broker, seconds: Double) async throws -> StoredRun {
        var rooms: [Room] = []
        for number in 0..<options.rooms { rooms.append(try await broker.room("stored \(number)")) }
        var loops: Set<Int> = []
        for room in rooms { loops.insert(await room.thread()) }
        let publishers = Publishers(options, rooms: rooms)
        async let times = publishers.run()
        try await Task.sleep(for: .seconds(1))
        let (before, count, began) = (ThreadTimes(), publishers.count, ContinuousClock.now)
        publishers.beginMeasuring()
        try await Task.sleep(for: .seconds(seconds))
        let (after, end, ended) = (ThreadTimes(), publishers.count, ContinuousClock.now)
        publishers.stop()
        var run = StoredRun()
        run.times = try await times
        let done = Double(end - count)
        run.perSecond = done / began.duration(to: ended).inSeconds
        run.loopMicroseconds = after.seconds(of: loops, since: before) / done * 1e6
        run.processMicroseconds = after.seconds(since: before) / done * 1e6
        return run
    }

    var description: String {
        String(
            format: "%.0f/s, p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms; CPU per message: loops %.2f us, process %.2f us",
            perSecond,
            times.percentile(0.5),
            times.percentile(0.99),
            times.percentile(0.999),
            loopMicroseconds,
            processMicroseconds
        )
    }
}
