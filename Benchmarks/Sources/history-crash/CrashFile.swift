// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHistory
import BelfryIO
import Foundation
import GRDB
import Logging

/// A history file that is crashed several times, and all that must be in it.
final class CrashFile {
    let directory: URL
    private let mode: CrashMode
    private let longestDelay: Int
    /// What was acknowledged, by room and offset.
    private var known: [[UInt64: CrashText]] = Array(repeating: [:], count: CrashText.rooms)
    private var violations: [String] = []

    private var path: String { directory.appending(path: "history.db").path }

    init(folder: String, number: Int, mode: CrashMode, longestDelay: Int) throws {
        directory = URL(fileURLWithPath: folder).appending(path: "belfry-crash-\(getpid())-\(number)")
        self.mode = mode
        self.longestDelay = longestDelay
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(at: directory) }

    /// Runs a victim, kills it, and looks at the file.
    func crash(_ run: Int) async throws -> CrashTally {
        violations = []
        // Some die while they still read the file, or repair what the one before left.
        let isEarly = Int.random(in: 0..<10) == 0
        let delay = Duration.microseconds(Int.random(in: 0...(isEarly ? 100_000 : longestDelay * 1_000)))
        let victim = try VictimProcess(file: path, run: run, mode: mode)
        let acknowledged = victim.kill(after: delay, early: isEarly)
        if !victim.wasKilled { violations.append("run \(run): the victim ended by itself") }
        for stored in acknowledged { note(stored) }
        var tally = CrashTally()
        if FileManager.default.fileExists(atPath: path) {
            try checkCopy(run)
            (tally.found, tally.resumed) = try await checkBroker(run, acknowledged)
            try checkIndex(run)
        }
        tally.kills = 1
        tally.early = acknowledged.isEmpty ? 1 : 0
        tally.acknowledged = acknowledged.count
        tally.violations = violations
        return tally
    }

    private func note(_ stored: Acknowledgement) {
        let room = CrashText.room(of: stored.text.publisher)
        if let other = known[room].updateValue(stored.text, forKey: stored.offset) {
            violations.append("\(stored.text) and \(other) have one place")
        }
    }

    // MARK: With SQLite alone

    /// Of a copy, so that the broker finds the file as the crash left it.
    private func checkCopy(_ run: Int) throws {
        let copy = directory.appending(path: "copy.db").path
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
        }
        defer {
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: copy + suffix) }
        }
        try check(copy, isIndexed: false, "run \(run), right after the crash")
    }

    private func checkIndex(_ run: Int) throws { try check(path, isIndexed: true, "run \(run), after the broker") }

    /// - Parameter isIndexed: Whether the index must have every message.
    private func check(_ path: String, isIndexed: Bool, _ what: String) throws {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        do {
            let (answer, hasTables) = try queue.write { db in
                let answer = try String.fetchAll(db, sql: "PRAGMA integrity_check")
                let hasTables = try db.tableExists("message_search")
                if hasTables {
                    let rank = isIndexed ? 1 : 0
                    try db.execute(
                        sql: "INSERT INTO message_search (message_search, rank) VALUES ('integrity-check', \(rank))"
                    )
                }
                return (answer, hasTables)
            }
            if answer != ["ok"] { violations.append("\(what): integrity_check says \(answer.prefix(3))") }
            if isIndexed, !hasTables { violations.append("\(what): there is no index") }
        } catch {
            violations.append("\(what): \(error)")
        }
    }

    // MARK: With a broker

    private func checkBroker(_ run: Int, _ acknowledged: [Acknowledgement]) async throws -> (found: Int, resumed: Int) {
        var logger = Logger(label: "check") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        var configuration = BrokerConfiguration(io: IOChoice(mode.io) ?? .automatic, loops: 2)
        let store = SQLiteHistory(path, logger: logger)
        if let reason = store.status.degradation { violations.append("run \(run): degraded, \(reason)") }
        configuration.store = store
        let broker = try Broker(configuration: configuration, logger: logger)
        var (found, resumed) = (0, 0)
        for number in 0..<CrashText.rooms {
            let room = try await broker.room("room \(number)")
            let messages = try await all(room)
            found += messages.count { CrashText($0.payload.text)?.run == run }
            check(messages, number, run)
            let mine = acknowledged.filter { CrashText.room(of: $0.text.publisher) == number }
            for stored in [mine.first, mine.randomElement(), mine.last] {
                guard let stored else { continue }
                try await resume(room, stored, messages, run)
                resumed += 1
            }
            // The room goes on where it ended.
            let text = CrashText(run: run, publisher: -1, number: number)
            let next = try await room.publish(.text(text.text), durability: .stored)
            if next.offset != UInt64(messages.count) {
                violations.append("run \(run), room \(number): goes on at \(next.offset) behind \(messages.count)")
            }
            known[number][next.offset] = text
        }
        // Whoever searches waits for the index.
        let room = try await broker.room("room 0")
        let hits = try await room.search("\(run) 0", before: .max, limit: 1)
        if hits.isEmpty { violations.append("run \(run): nothing was found in the index") }
        await broker.shutDown()
        return (found, resumed)
    }

    private func all(_ room: Room) async throws -> [Message] {
        var messages: [Message] = []
        var cursor: HistoryCursor? = .oldest
        while let place = cursor {
            let page = try await room.page(place, limit: 10_000)
            messages += page.messages
            cursor = page.newer
        }
        return messages
    }

    /// Every offset once, every text of a publisher once and in order, and in its place what was acknowledged.
    private func check(_ messages: [Message], _ room: Int, _ run: Int) {
        var next: [[Int]: Int] = [:]
        for (index, message) in messages.enumerated() {
            let place = "run \(run), room \(room), message \(index)"
            guard message.offset == UInt64(index) else {
                return violations.append("\(place): its offset is \(message.offset)")
            }
            guard let text = CrashText(message.payload.text), text.text == message.payload.text else {
                return violations.append("\(place): a text that nobody wrote")
            }
            if text.publisher >= 0 {
                let expected = next[[text.run, text.publisher], default: 0]
                guard text.number == expected, CrashText.room(of: text.publisher) == room else {
                    return violations.append("\(place): \(text) where number \(expected) must be")
                }
                next[[text.run, text.publisher]] = expected + 1
            }
            if let stored = known[room][message.offset], stored != text {
                return violations.append("\(place): \(text) where \(stored) was acknowledged")
            }
        }
        let missing = known[room].keys.filter { $0 >= UInt64(messages.count) }
        if !missing.isEmpty {
            violations.append("run \(run), room \(room): \(missing.count) acknowledged messages are missing")
        }
    }

    private func resume(_ room: Room, _ from: Acknowledgement, _ messages: [Message], _ run: Int) async throws {
        let position = RoomPosition(epoch: from.epoch, offset: from.offset)
        let (recovered, following) = await room.resume(after: position)
        guard recovered else { return violations.append("run \(run): \(position) was not recovered") }
        var iterator = following.makeAsyncIterator()
        for message in messages.dropFirst(Int(from.offset) + 1) {
            guard let next = try await iterator.next(), next == .message(message) else {
                return violations.append("run \(run): behind \(position) not everything came")
            }
        }
    }
}
