// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHistory
import Foundation
import Logging

/// A history file in a directory of its own, which goes with it.
final class HistoryFile: Sendable {
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "belfry-missioncommander-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func store() -> SQLiteHistory {
        var configuration = SQLiteHistory.Configuration()
        configuration.synchronization = .normal
        return SQLiteHistory(directory.appending(path: "history.db").path, configuration: configuration, logger: .quiet)
    }
}

/// A store that is slow to read, on command.
final class GatedStore: HistoryStore {
    private let store: SQLiteHistory
    private let gate = Gate()

    init(_ store: SQLiteHistory) { self.store = store }

    /// Holds readers back from now on.
    func shut() async { await gate.shut() }
    /// Lets them go on.
    func open() async { await gate.open() }
    /// How many wait.
    var waiting: Int { get async { await gate.waiting.count } }

    private actor Gate {
        private var isShut = false
        var waiting: [CheckedContinuation<Void, Never>] = []

        func shut() { isShut = true }

        func open() {
            isShut = false
            for reader in waiting { reader.resume() }
            waiting = []
        }

        func pass() async {
            guard isShut else { return }
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func open(_ room: String, standing: RoomPosition?) -> StoredRoom? { store.open(room, standing: standing) }
    func release(_ room: StoredRoom.ID) { store.release(room) }
    func append(_ messages: [StoredMessage]) { store.append(messages) }
    func firstOffset(of room: StoredRoom.ID) -> UInt64 { store.firstOffset(of: room) }
    var status: HistoryStatus { store.status }

    func messages(
        of room: StoredRoom.ID,
        _ cursor: HistoryCursor,
        below end: UInt64,
        limit: Int
    ) async throws(BelfryError) -> [Belfry.Message] {
        await gate.pass()
        return try await store.messages(of: room, cursor, below: end, limit: limit)
    }

    func search(
        _ text: String,
        in room: StoredRoom.ID,
        below end: UInt64,
        limit: Int
    ) async throws(BelfryError) -> [Belfry.Message] {
        try await store.search(text, in: room, below: end, limit: limit)
    }

    func close() async {
        await gate.open()
        await store.close()
    }
}
