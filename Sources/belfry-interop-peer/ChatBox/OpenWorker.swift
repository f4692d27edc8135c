// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryChatBox
import Foundation

/// One worker of an open box: its callbacks tell the driver.
actor OpenWorker<ID1: PeerID, ID2: PeerID, ID: PeerID, Partner: PeerID>: PeerWorker {
    typealias Worker = ChatBox<ID1, ID2>.ServiceWorker<ID, Partner>
    typealias Connection = ChatBox<ID1, ID2>.Connection
    typealias Message = ChatBox<ID1, ID2>.Message

    private let worker: Worker
    private let name: String
    private let output: PeerOutput
    private var peer: (any PeerWorker)?
    /// What the create callback returns for ids of the other service.
    private var answers: [String: JSON] = [:]
    private var clients: [ID: Client] = [:]

    /// What is known of an active client.
    private struct Client {
        let queue: Queue<Message>
        /// Messages that its queue has to have had by now.
        var expected: UInt64 = 0
        /// The last message before the last access.
        var last: Int64?
    }

    init(_ worker: Worker, _ name: String, _ output: PeerOutput) {
        self.worker = worker
        self.name = name
        self.output = output
    }

    /// Sets all callbacks.
    func setUp(peer: any PeerWorker) {
        self.peer = peer
        worker.onCreate { [self] other in
            await tell("create", other.json)
            guard let answer = await answers[other.serviceText] else { throw PeerError("there is no 'other_id'") }
            return try ID.read(answer)
        }
        worker.onNewAccess { [self] id in
            try await accessed(id)
            await tell("access", id.json)
        }
        worker.onMessageReceived { [self] message in
            await tell(
                "message",
                worker.id(of: message).json,
                ["sent_by": .integer(Int64(message.sentBy.rawValue)), "content": .string(message.content)]
            )
        }
    }

    private func tell(_ kind: String, _ id: JSON, _ more: [String: JSON] = [:]) async {
        let own: [String: JSON] = [
            "event": .string("cb"), "name": .string(name), "worker": .integer(worker.side == .service1 ? 1 : 2),
            "kind": .string(kind), "id": id,
        ]
        await output.write(event: own.merging(more) { $1 })
    }

    // MARK: Access

    func access(_ id: JSON, creates: Bool, other: JSON) async throws -> JSON {
        let id = id == .null ? ID.random() : try ID.read(id)
        if let id { await peer?.answer(other, to: id.serviceText) }
        guard creates || id == nil else {
            guard let id, try await worker.accessExisting(id) != nil else { return .null }
            try await accessed(id)
            return id.json
        }
        let connection = try await worker.access(id)
        try await accessed(worker.id(of: connection))
        return worker.id(of: connection).json
    }

    func answer(_ id: JSON, to other: String) { answers[other] = id }

    /// Takes the client's queue, unless it has been taken.
    private func accessed(_ id: ID) async throws {
        guard let connection = await worker.connection(for: id) else { return }
        if clients[id] == nil, let queue = await worker.clientQueue(for: id), clients[id] == nil {
            clients[id] = Client(queue: queue)
        }
        clients[id]?.last = try await connection.history(limit: 1).last?.number
    }

    func deactivate(_ id: JSON) async throws {
        let id = try ID.read(id)
        let connection = await worker.connection(for: id)
        try await worker.deactivate(id)
        guard await !worker.isActive(id), let connection else { return }
        clients[id] = nil
        await peer?.forget(worker.peerID(of: connection).json)
    }

    func forget(_ id: JSON) { if let id = ID(json: id) { clients[id] = nil } }

    func uid(for id: JSON) async throws -> JSON {
        await worker.uid(for: try ID.read(id)).map { .string($0.serviceText) } ?? .null
    }

    // MARK: Messages

    func send(_ text: String, to id: JSON) async throws {
        let id = try ID.read(id)
        try await worker.send(text, to: id)
        guard let connection = await worker.connection(for: id) else { return }
        clients[id]?.expected += 1
        await peer?.expectMessage(for: worker.peerID(of: connection).json)
    }

    func expectMessage(for id: JSON) { if let id = ID(json: id) { clients[id]?.expected += 1 } }

    func queue(for id: JSON) async throws -> JSON {
        let id = try ID.read(id)
        guard await worker.isActive(id), let client = clients[id] else { return .null }
        // Callbacks come before the queue: what is stored may still be on its way.
        let deadline = ContinuousClock.now + .seconds(5)
        while client.queue.statistics.offered < client.expected, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(1))
        }
        var found: [JSON] = []
        var iterator = client.queue.makeAsyncIterator()
        while client.queue.statistics.currentCount > 0 {
            guard case .element(let message)? = try await iterator.next() else { continue }
            found.append(Self.json(message))
        }
        return .array(found)
    }

    func history(for id: JSON) async throws -> JSON {
        let id = try ID.read(id)
        guard let connection = await worker.connection(for: id), let client = clients[id] else { return .null }
        guard let last = client.last else { return .array([]) }
        var found: [JSON] = []
        var first: Message?
        while true {
            let page = try await connection.history(before: first, limit: 1_000)
            guard let oldest = page.first else { break }
            let rows = page.filter { $0.number.map { $0 <= last } ?? false }.map { message -> JSON in
                var row = Self.members(message)
                row["created_at"] = .string(Self.text(message.createdAt))
                return .object(row)
            }
            found = rows + found
            first = oldest
        }
        return .array(found)
    }

    private static func json(_ message: Message) -> JSON { .object(members(message)) }

    private static func members(_ message: Message) -> [String: JSON] {
        ["sent_by": .integer(Int64(message.sentBy.rawValue)), "content": .string(message.content)]
    }

    private static func text(_ date: Date) -> String {
        date.formatted(
            .iso8601.year().month().day().dateTimeSeparator(.space).time(includingFractionalSeconds: false)
        )
    }
}
