// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHistory
import BelfryIO
public import Foundation
public import Logging
public import ServiceLifecycle

/// Connects two services, say a web chat and Discord: pairs their clients, carries texts across, and keeps them.
///
///     let box = try ChatBox(name: "chatbox50", service1: UUID.self, service2: Int.self, logger: logger)
///     let (web, discord) = (box.worker1, box.worker2)
///     discord.onCreate { id in try await forum.makeThread(named: id.serviceText) }
///     discord.onMessageReceived { message in
///         if message.sentBy == .service1 { try await forum.post(message.content, in: message.service2ID) }
///     }
///     try await web.access(visitor)
///     try await web.send("hello", to: visitor)
///
/// Everything is in the original's SQLite file, which either program goes on with. A send returns after its commit.
///
/// Run it in a `ServiceGroup`, or ``close()`` it. Hold the box as long as it is to live: its workers alone do not keep
/// its callbacks. What callbacks need is a worker; one that holds the box itself keeps it until it is closed.
public final class ChatBox<ID1: ServiceID, ID2: ServiceID>: Service, Sendable {
    /// Service 1's worker.
    public typealias Worker1 = ServiceWorker<ID1, ID2>
    /// Service 2's worker.
    public typealias Worker2 = ServiceWorker<ID2, ID1>

    /// The name, which is also the file's, without `.db`.
    public let name: String
    /// Another one for each box; it is not stored.
    public let uid = UUID()
    /// Service 1's side.
    public let worker1: Worker1
    /// Service 2's side.
    public let worker2: Worker2
    let core: ChatBoxCore<ID1, ID2>

    /// Makes a box and opens its database; blocks while it does.
    ///
    /// - Parameters:
    ///   - name: The file is `<name>.db`, in the working directory unless the name has a path.
    ///   - service1: What service 1 knows its clients by.
    ///   - service2: What service 2 knows its clients by.
    ///   - service1Name: What service 1 is called in logs.
    ///   - service2Name: What service 2 is called in logs.
    ///   - debug: Keeps the database in memory.
    ///   - configuration: Every default is stated at ``ChatBoxConfiguration``.
    ///   - logger: Hears of callbacks that fail, and of little else; nothing is logged per message.
    /// - Throws: ``ChatBoxError`` `.cannotOpen`.
    public init(
        name: String = "ChatBox50",
        service1: ID1.Type = UUID.self,
        service2: ID2.Type = UUID.self,
        service1Name: String = "server_1",
        service2Name: String = "server_2",
        debug: Bool = false,
        configuration: ChatBoxConfiguration = .init(),
        logger: Logger = Logger(label: "belfry.chatbox") { _ in SwiftLogNoOpLogHandler() }
    ) throws(ChatBoxError) {
        guard !name.isEmpty, !name.utf8.contains(0) else {
            throw ChatBoxError(.cannotOpen, "a box has a name, without U+0000")
        }
        let database: PairDatabase
        do {
            database = try PairDatabase(path: debug ? nil : name + ".db")
        } catch {
            throw ChatBoxError(.cannotOpen, "the database \(name).db can't be opened", cause: error)
        }
        self.name = name
        var logger = logger
        logger[metadataKey: "box"] = "\(name)"
        core = ChatBoxCore(database, configuration, logger: logger)
        worker1 = Worker1(core: core, side: .service1, name: service1Name) {
            $0.service1ID
        } peerOf: {
            $0.service2ID
        }
        worker2 = Worker2(core: core, side: .service2, name: service2Name) {
            $0.service2ID
        } peerOf: {
            $0.service1ID
        }
    }

    deinit {
        // They may hold workers, and those the core, which holds them.
        for side in SentBy.allCases { core.outlets(of: side).forgetCallbacks() }
    }

    /// The uid of an active pair by the id of either side; nil when it is not active.
    ///
    /// - Parameters:
    ///   - service: Whose id it is.
    ///   - idText: The id's text form.
    public func uid(_ service: SentBy, idText: String) async -> UUID? {
        await core.connection(IDKey(service, idText))?.uid
    }

    /// Whether ``run()`` is under way.
    public var isRunning: Bool { get async { await core.isRunning } }

    // MARK: Life

    /// Sends what is put into the send queues, until the service group shuts down gracefully, the task is cancelled, or
    /// the box is closed; then closes the box.
    ///
    /// Messages that were put there before wait until now. All else works without it.
    ///
    /// - Throws: ``ChatBoxError`` `.closed`, or `.limitExceeded` when it runs already.
    public func run() async throws {
        try await core.start()
        let core = self.core
        await withGracefulShutdownHandler {
            _ = await core.stopped.park()
        } onGracefulShutdown: {
            core.stopped.unpark()
        }
        await core.close()
    }

    /// Stores what is queued to be sent, calls the callbacks that are due, and closes the database.
    ///
    /// Callbacks that take longer than `closeTimeout` are cancelled. Goes on to its end even if the calling task is
    /// cancelled; calling it again waits for the same end. From within a message callback it only begins.
    public func close() async { await core.close() }
}
