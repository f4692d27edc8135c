// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHistory
import BelfryIO
import Foundation
import GRDB
import Logging
import Testing

/// A history file in a directory of its own, which goes with it.
final class HistoryFile: Sendable {
    let directory: URL
    var path: String { directory.appending(path: "history.db").path }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "belfry-history-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func store(_ configure: (inout SQLiteHistory.Configuration) -> Void = { _ in }) -> SQLiteHistory {
        var configuration = SQLiteHistory.Configuration()
        configuration.synchronization = .normal
        configure(&configuration)
        var logger = Logger(label: "history")
        logger.logLevel = .critical
        return SQLiteHistory(path, configuration: configuration, logger: logger)
    }

    /// Runs `body` with a broker whose rooms are kept in the file.
    func withBroker<Answer>(
        _ io: IOChoice = .epoll,
        loops: Int = 1,
        store configure: (inout SQLiteHistory.Configuration) -> Void = { _ in },
        _ body: (Broker) async throws -> Answer
    ) async throws -> Answer {
        var configuration = BrokerConfiguration(io: io, loops: loops)
        configuration.store = store(configure)
        var logger = Logger(label: "broker")
        logger.logLevel = .critical
        let broker = try Broker(configuration: configuration, logger: logger)
        do {
            let answer = try await body(broker)
            await broker.shutDown()
            return answer
        } catch {
            await broker.shutDown()
            throw error
        }
    }

    /// As another process sees the file.
    func database() throws -> DatabaseQueue {
        var setup = GRDB.Configuration()
        setup.allowsUnsafeTransactions = true
        return try DatabaseQueue(path: path, configuration: setup)
    }

    /// A copy of the file as a crash at this moment would leave it.
    func crashed() throws -> HistoryFile {
        let copy = try HistoryFile()
        for name in ["history.db", "history.db-wal"] {
            let from = directory.appending(path: name)
            guard FileManager.default.fileExists(atPath: from.path) else { continue }
            try FileManager.default.copyItem(at: from, to: copy.directory.appending(path: name))
        }
        return copy
    }
}

extension Room {
    /// Publishes texts, the last one stored, and with it all before it.
    @discardableResult
    func store(_ texts: some Collection<String>) async throws -> RoomPosition {
        var position = RoomPosition(epoch: epoch, offset: 0)
        for (index, text) in texts.enumerated() {
            position = try await publish(
                event: "said",
                .text(text),
                durability: index == texts.count - 1 ? .stored : .ordered
            )
        }
        return position
    }
}

extension HistoryPage {
    var texts: [String] { messages.map(\.payload.text) }
}

/// Waits until `condition` holds; half a minute at most.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while try await !condition() {
        try #require(ContinuousClock.now < deadline, "\(what): did not come")
        try await Task.sleep(for: .milliseconds(2))
    }
}
