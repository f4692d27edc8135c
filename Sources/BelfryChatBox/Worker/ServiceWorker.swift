// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
import BelfryIO
public import Foundation

extension ChatBox {
    /// One service's side of a box: through it the service brings its clients, sends, and hears.
    ///
    /// A service hears what its own clients say as well; `sentBy` tells which it was. Callbacks are called off the event
    /// loops, one after the other for each pair, and hold up nobody but that pair. What they throw is logged.
    public struct ServiceWorker<ID: ServiceID, PeerID: ServiceID>: Sendable {
        let core: ChatBoxCore<ID1, ID2>
        /// Which service it is.
        public let side: SentBy
        /// What the service is called in logs.
        public let name: String
        private let idOf: @Sendable (Connection) -> ID
        private let peerOf: @Sendable (Connection) -> PeerID

        init(
            core: ChatBoxCore<ID1, ID2>,
            side: SentBy,
            name: String,
            idOf: @escaping @Sendable (Connection) -> ID,
            peerOf: @escaping @Sendable (Connection) -> PeerID
        ) {
            self.core = core
            self.side = side
            self.name = name
            self.idOf = idOf
            self.peerOf = peerOf
        }

        private var outlets: WorkerOutlets<ID1, ID2> { core.outlets(of: side) }
        func key(_ id: ID) -> IDKey { IDKey(side, id.serviceText) }

        // MARK: Access

        /// Makes a client active on both sides; a new one first gets a partner, from the other service's create callback.
        ///
        /// Accesses add up: the pair is active until it was deactivated as often. Fires the other worker's create
        /// callback (new clients alone) and then its access callback, and waits for both. Accesses with one id come one
        /// after the other.
        ///
        /// - Parameter id: The client's id; nil makes up a new one, where the type can (`UUID`).
        /// - Returns: The pair; its history has what was said before.
        /// - Throws: ``ChatBoxError`` `.idRequired`, `.noCreateCallback`, `.createFailed`, `.badID`, `.idInUse`,
        ///   `.notActive` when it was deactivated meanwhile, `.limitExceeded`, `.reentrantAccess`, `.storage`, `.closed`,
        ///   `.cancelled`.
        @discardableResult
        public func access(_ id: ID? = nil) async throws(ChatBoxError) -> Connection {
            guard let found = try await core.access(side, try text(of: id), creates: true) else { throw .boxClosed }
            return found.connection
        }

        /// The same for a client that is known; nil for an unknown one, and then nothing fires.
        public func accessExisting(_ id: ID) async throws(ChatBoxError) -> Connection? {
            try await core.access(side, id.serviceText, creates: false)?.connection
        }

        /// Takes back one access; with the last one the pair is no longer active, on neither side.
        ///
        /// - Parameters:
        ///   - id: The client.
        ///   - force: Takes back all accesses.
        /// - Throws: ``ChatBoxError`` `.notActive`.
        public func deactivate(_ id: ID, force: Bool = false) async throws(ChatBoxError) {
            try await core.deactivate(key(id), force: force)
        }

        /// Accesses, runs `body`, and takes the access back exactly once, however `body` ends.
        ///
        ///     try await web.withClient(visitor) { client in
        ///         try await client.send("hello")
        ///         for try await case .element(let message) in client.messages { … }
        ///     }
        ///
        /// - Parameters:
        ///   - id: As in ``access(_:)``.
        ///   - body: Uses the client; its queue has everything that is said from the access on.
        public func withClient<Output>(
            _ id: ID? = nil,
            _ body: (ClientSession) async throws -> Output
        ) async throws -> Output {
            let text = try text(of: id)
            guard let (connection, messages) = try await core.access(side, text, creates: true, takesQueue: true)
            else { throw ChatBoxError.boxClosed }
            let key = IDKey(side, text)
            let session = ClientSession(
                connection: connection,
                messages: messages ?? Queue(),
                sender: MessageSender(core: core, key: key, connection: connection)
            )
            do {
                let output = try await body(session)
                // Not active is what a forced deactivation leaves.
                try? await core.deactivate(key, force: false)
                return output
            } catch {
                try? await core.deactivate(key, force: false)
                throw error
            }
        }

        private func text(of id: ID?) throws(ChatBoxError) -> String {
            guard let id = id ?? ID.random() else {
                throw ChatBoxError(.idRequired, "ids of this type can't be made up: name one")
            }
            return id.serviceText
        }

        // MARK: Looking

        /// Whether a client is active.
        public func isActive(_ id: ID) async -> Bool { await core.connection(key(id)) != nil }

        /// The uid of an active client's pair; nil when it is not active.
        public func uid(for id: ID) async -> UUID? { await core.connection(key(id))?.uid }

        /// An active client's pair; nil when it is not active.
        public func connection(for id: ID) async -> Connection? { await core.connection(key(id)) }

        /// A stored client's pair, active or not; nil for an unknown client.
        ///
        /// - Throws: ``ChatBoxError`` `.storage`, `.badID`.
        public func storedConnection(for id: ID) async throws(ChatBoxError) -> Connection? {
            try await core.stored(side, id.serviceText)
        }

        /// This service's id of a pair.
        public func id(of connection: Connection) -> ID { idOf(connection) }
        /// This service's id of a message's pair.
        public func id(of message: Message) -> ID { idOf(message.connection) }
        /// The other service's id of a pair.
        public func peerID(of connection: Connection) -> PeerID { peerOf(connection) }

        // MARK: Sending

        /// Sends a text as an active client; returns once it is stored.
        ///
        /// It then goes to both workers: to their callbacks, client queues and receive queues. Waits while
        /// `maxUndelivered` messages of the pair are not handed over yet. A task that is cancelled while its text is being
        /// stored goes on.
        ///
        /// - Throws: ``ChatBoxError`` `.notActive`, `.tooLarge`, `.storage`, `.limitExceeded` from within a callback of
        ///   the pair, `.closed`, `.cancelled`; nothing is stored then.
        public func send(_ text: String, to id: ID) async throws(ChatBoxError) {
            try await core.send(text, from: key(id))
        }

        /// Sends a message to its connection; `sentBy` must be this service.
        ///
        /// - Throws: As ``send(_:to:)``; `.wrongConnection` for another service's or another pair's message.
        public func send(_ message: Message) async throws(ChatBoxError) {
            try await core.send(message, from: side)
        }

        /// Sends a text, or, while the client is away, stores it for its next visit: it then is in the history.
        ///
        /// At most `maxWaiting` in a row are taken for a client who is away. They are counted from its last visit on, and
        /// after a restart of the program, from the last message of the other side on. Nothing stored is ever deleted.
        ///
        /// - Throws: As ``send(_:to:)``; `.unknownClient` when there is no such pair, `.tooManyWaiting`.
        public func leave(_ text: String, for id: ID) async throws(ChatBoxError) {
            try await core.leave(text, from: side, id: id.serviceText)
        }

        /// What sends as a client; the client need not be active before something is sent.
        public func sender(for id: ID) -> MessageSender { MessageSender(core: core, key: key(id), connection: nil) }

        /// What sends as the client of a connection: `try await worker[connection]("hello")`.
        public subscript(connection: Connection) -> MessageSender {
            MessageSender(core: core, key: key(idOf(connection)), connection: connection)
        }

        /// Messages that are put here are sent while the box runs; those from before wait.
        ///
        /// Takes `sendQueueLimit` messages, then refuses; `sendWaiting` waits. What can't be sent is logged.
        public var sendQueue: Queue<Message> { outlets.sendQueue }

        // MARK: Hearing

        /// The messages of one client; nil when it is not active.
        ///
        /// Each call gives another queue, and every queue gets every message, up to `clientQueueLimit`, then the newest, the
        /// loss announced. The first one asked for after an access has what was said since, the others what is said from
        /// now on. (For a client whom the other side brought, and a worker with a message callback, ask for the first
        /// one in the access callback.) It ends when the client is no longer active.
        public func clientQueue(for id: ID) async -> Queue<Message>? { await core.clientQueue(key(id)) }

        /// The messages of all clients, from now on; another queue at each call.
        ///
        /// At most `receiveQueueLimit` wait for a slow reader, then the oldest go, announced.
        public var receiveQueue: Queue<Message> { outlets.reader(of: outlets.messages) }

        /// The pairs that the other side's accesses made active, from now on; bounded as ``receiveQueue``.
        public var accesses: Queue<Connection> { outlets.reader(of: outlets.accesses) }

        /// The pairs that were made for new clients of the other side, from now on; bounded as ``receiveQueue``.
        public var creations: Queue<Connection> { outlets.reader(of: outlets.creations) }

        // MARK: Callbacks

        /// Calls `body` with each message of active clients; the last one that is set counts.
        public func onMessageReceived(_ body: @escaping @Sendable (Message) async throws -> Void) {
            outlets.register { $0.received = body }
        }

        /// Has `body` make a client of this service for a new one of the other; the last one that is set counts.
        ///
        /// It gets the other's id and returns the new id. What it throws goes to who accesses, and nothing is stored.
        public func onCreate(_ body: @escaping @Sendable (_ peer: PeerID) async throws -> ID) {
            outlets.register { callbacks in
                callbacks.create = { text in
                    guard let peer = PeerID(serviceText: text) else { throw ChatBoxError.unreadable(text) }
                    let id = try await body(peer).serviceText
                    // It has to be found again.
                    guard ID(serviceText: id) != nil else { throw ChatBoxError.unreadable(id) }
                    return id
                }
            }
        }

        /// Calls `body` with the id of each client that the other side's accesses make active, each time; the last one that
        /// is set counts.
        public func onNewAccess(_ body: @escaping @Sendable (ID) async throws -> Void) {
            let idOf = self.idOf
            outlets.register { $0.accessed = { try await body(idOf($0)) } }
        }
    }
}

extension ChatBoxError {
    static func unreadable(_ text: String) -> ChatBoxError {
        ChatBoxError(.badID, "the id '\(text.prefix(64))' can't be read back")
    }
}
