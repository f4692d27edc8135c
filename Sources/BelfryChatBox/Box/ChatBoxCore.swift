// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHistory
import BelfryIO
import DequeModule
import Foundation
import Logging

/// What a box knows: which pairs are active, what is to be stored, and who is to hear of it.
///
/// Accesses with one id come one after the other. What is sent is stored in the order of sending, by one task, as many
/// messages in one transaction as wait, and then handed to both workers in that order.
actor ChatBoxCore<ID1: ServiceID, ID2: ServiceID> {
    typealias Connection = ChatBox<ID1, ID2>.Connection
    typealias Message = ChatBox<ID1, ID2>.Message
    typealias State = PairState<ID1, ID2>
    typealias Outlets = WorkerOutlets<ID1, ID2>

    nonisolated let database: PairDatabase
    nonisolated let configuration: ChatBoxConfiguration
    nonisolated let logger: Logger
    private nonisolated let outlets: [Outlets]

    /// Active pairs and those that are not idle, by row.
    var states: [Int64: State] = [:]
    /// Active pairs by the ids of either side.
    var active: [IDKey: State] = [:]
    /// Ids whose access is under way, and who waits for its end.
    private var gates: [IDKey: Deque<Parker<Void>>] = [:]
    /// Messages left for clients who are away, by side and row, as far as they are known.
    var waiting: [WaitingKey: Int] = [:]
    /// Who follows which pairs become active.
    private var followers: [UInt64: Queue<Activation>] = [:]
    private var lastFollower: UInt64 = 0
    var pending: Deque<PendingMessage> = []
    var writer: Task<Void, Never>?
    var pumps: [Task<Void, Never>] = []
    var isRunning = false
    var closing: Task<Void, Never>?
    /// Set when the box closes, once nothing more is stored.
    var isStored = false
    nonisolated let stopped = Parker<Void>()

    struct WaitingKey: Hashable {
        let row: Int64
        let side: SentBy
    }

    /// A message on its way to the database.
    struct PendingMessage {
        let state: State
        let message: Message
        let verdict: CheckedContinuation<Result<Int64, ChatBoxError>, Never>
    }

    init(_ database: PairDatabase, _ configuration: ChatBoxConfiguration, logger: Logger) {
        self.database = database
        self.configuration = configuration
        self.logger = logger
        outlets = [Outlets(configuration), Outlets(configuration)]
    }

    nonisolated func outlets(of side: SentBy) -> Outlets { outlets[side.rawValue] }

    // MARK: Looking

    func connection(_ key: IDKey) -> Connection? { active[key]?.connection }

    /// The stored pair, active or not.
    func stored(_ side: SentBy, _ text: String) async throws(ChatBoxError) -> Connection? {
        if let state = active[IDKey(side, text)] { return state.connection }
        guard let row = try await row(side, text) else { return nil }
        if let state = states[row.id] { return state.connection }
        return try makeConnection(row)
    }

    private func row(_ side: SentBy, _ text: String) async throws(ChatBoxError) -> PairRow? {
        do {
            return try await database.pair(side.side, text)
        } catch {
            throw ChatBoxError(.storage, "the client can't be looked up", cause: error)
        }
    }

    private func makeConnection(_ row: PairRow) throws(ChatBoxError) -> Connection {
        try Connection(row, database, maxPropertyBytes: configuration.maxPropertyBytes, logger: logger)
    }

    /// What there is of a pair, made if need be; let go of it with `releaseIfIdle`.
    func state(of row: PairRow) throws(ChatBoxError) -> State {
        if let state = states[row.id] { return state }
        let state = State(try makeConnection(row))
        states[row.id] = state
        return state
    }

    /// What there is of the pair of an id that is not active; nil when it is not stored.
    func storedState(_ side: SentBy, _ text: String) async throws(ChatBoxError) -> State? {
        guard let row = try await row(side, text) else { return nil }
        return try state(of: row)
    }

    func releaseIfIdle(_ state: State) {
        let row = state.connection.row
        if state.isIdle, states[row] === state { states[row] = nil }
    }

    // MARK: Access

    /// Makes a pair active on both workers, once more if it is.
    ///
    /// - Parameters:
    ///   - side: Whose client comes.
    ///   - text: Its id.
    ///   - creates: Whether an unknown client gets a pair; else the answer is nil.
    ///   - takesQueue: Whether the answer has the queue that `clientQueue` would give next.
    /// - Returns: The pair.
    func access(
        _ side: SentBy,
        _ text: String,
        creates: Bool,
        takesQueue: Bool = false
    ) async throws(ChatBoxError) -> (connection: Connection, messages: Queue<Message>?)? {
        let key = IDKey(side, text)
        let scope = CallScope.Access(box: ObjectIdentifier(self), key: key)
        guard !CallScope.accesses.contains(scope) else {
            throw ChatBoxError(.reentrantAccess, "a callback accesses the client whose access it is called by")
        }
        try await enter(key)
        defer { leave(key) }
        guard closing == nil else { throw .boxClosed }
        var row: PairRow?
        if active[key] == nil { row = try await self.row(side, text) }
        var isNew = false
        if row == nil, active[key] == nil {
            guard creates else {
                logger.warning("An unknown client is not created", metadata: ["service": "\(side)"])
                return nil
            }
            row = try await create(side, text, scope)
            isNew = true
        }
        // It may have become active on the way, by the other side's access.
        var found = active[key]
        if found == nil, let row { found = try self.state(of: row) }
        guard let state = found else {
            throw ChatBoxError(.notActive, "the client was deactivated while it accessed")
        }
        try await activate(state, from: side, isNew: isNew, scope)
        return (state.connection, takesQueue ? clientQueue(key) : nil)
    }

    private func create(
        _ side: SentBy,
        _ text: String,
        _ scope: CallScope.Access
    ) async throws(ChatBoxError) -> PairRow {
        guard let create = outlets(of: side.other).callbacks.create else {
            throw ChatBoxError(.noCreateCallback, "\(side.other) has no create callback, and the client is new")
        }
        guard states.count < max(1, configuration.maxActiveConnections) else { throw .tooManyActive }
        let other: String
        do {
            other = try await Self.call(within: scope) { try await create(text) }
        } catch {
            if let error = error as? ChatBoxError { throw error }
            throw ChatBoxError(.createFailed, "\(side.other)'s create callback failed", cause: error)
        }
        guard closing == nil else { throw .boxClosed }
        do {
            return try await database.insert(
                uid: UUID().serviceText,
                service1: side == .service1 ? text : other,
                service2: side == .service1 ? other : text,
                properties: PickleWriter.pickle(.dictionary([:])) ?? []
            )
        } catch {
            if case .idInUse = error {
                throw ChatBoxError(.idInUse, "an id of the new pair belongs to another pair", cause: error)
            }
            throw ChatBoxError(.storage, "the new client can't be stored", cause: error)
        }
    }

    private func activate(
        _ state: State,
        from side: SentBy,
        isNew: Bool,
        _ scope: CallScope.Access
    ) async throws(ChatBoxError) {
        defer { releaseIfIdle(state) }
        guard closing == nil else { throw .boxClosed }
        guard state.accesses > 0 || states.count <= max(1, configuration.maxActiveConnections) else {
            throw .tooManyActive
        }
        for key in state.keys where active[key].map({ $0 !== state }) ?? false {
            throw ChatBoxError(.idInUse, "\(key.side)'s id of the pair is active in another pair")
        }
        let generation = state.generation
        state.accesses += 1
        if state.accesses == 1 {
            for follower in followers.values { follower.send(activation(of: state, side.other)) }
        }
        waiting[WaitingKey(row: state.connection.row, side: .service1)] = nil
        waiting[WaitingKey(row: state.connection.row, side: .service2)] = nil
        open(state, side.other)
        let connection = state.connection
        let outlets = outlets(of: side.other)
        if isNew { outlets.creations.send(connection) }
        outlets.accesses.send(connection)
        if let accessed = outlets.callbacks.accessed {
            do {
                try await Self.call(within: scope) { try await accessed(connection) }
            } catch {
                logger.error("An access callback failed", metadata: ["service": "\(side.other)", "error": "\(error)"])
            }
        }
        guard state.generation == generation else {
            throw ChatBoxError(.notActive, "the client was deactivated while it accessed")
        }
        // Who hears by callback has had the time to ask for the queue.
        if outlets.callbacks.received != nil { state[side.other].untaken = nil }
        open(state, side)
    }

    /// Step 4 or 6 of an access: the pair is active on one worker, with a queue that nobody has taken yet.
    private func open(_ state: State, _ side: SentBy) {
        let key = state.keys[side.rawValue]
        state[side].isActive = true
        active[key] = state
        if state[side].untaken == nil { state[side].untaken = makeClientQueue(state, side) }
    }

    private func makeClientQueue(_ state: State, _ side: SentBy) -> Queue<Message> {
        state[side].readers.add(
            Queue(
                .init(
                    limit: configuration.clientQueueLimit,
                    maxBytes: max(configuration.clientQueueMaxBytes, configuration.maxMessageBytes),
                    size: { $0.content.utf8.count },
                    policy: .dropOldest
                )
            )
        )
    }

    /// The queue that has been filled since the last access, or a new one; nil when the client is not active.
    func clientQueue(_ key: IDKey) -> Queue<Message>? {
        guard let state = active[key] else { return nil }
        return state[key.side].untaken.take() ?? makeClientQueue(state, key.side)
    }

    // MARK: Following

    /// A pair that is active, and all that is said from then on.
    struct Activation: Sendable {
        let connection: Connection
        let messages: Queue<Message>
    }

    /// The active pairs, and those that become so until `unfollow`.
    func follow() -> (number: UInt64, active: [Activation], coming: Queue<Activation>) {
        lastFollower += 1
        let coming = Queue<Activation>(.init(limit: configuration.maxActiveConnections))
        followers[lastFollower] = coming
        let active = states.values.filter { $0.accesses > 0 }.map { activation(of: $0, .service1) }
        return (lastFollower, active, coming)
    }

    func endFollowing() {
        for follower in followers.values { follower.close() }
        followers = [:]
    }

    var followerCount: Int { followers.count }

    func unfollow(_ number: UInt64) { followers[number] = nil }

    private func activation(of state: State, _ side: SentBy) -> Activation {
        Activation(connection: state.connection, messages: makeClientQueue(state, side))
    }

    // MARK: Deactivation

    /// Takes back one access, or all of them.
    func deactivate(_ key: IDKey, force: Bool) throws(ChatBoxError) {
        guard let state = active[key], state.accesses > 0 else { throw .clientNotActive }
        state.accesses -= 1
        if force || state.accesses == 0 { end(state) }
    }

    func end(_ state: State) {
        state.accesses = 0
        state.generation += 1
        for key in state.keys {
            if active[key] === state { active[key] = nil }
            state[key.side].isActive = false
            state[key.side].untaken = nil
            // Whoever reads gets what is still to be handed over, and then the end.
            state[key.side].readers = ReaderList()
        }
        releaseIfIdle(state)
    }

    // MARK: Gates

    private func enter(_ key: IDKey) async throws(ChatBoxError) {
        guard gates[key] != nil else {
            gates[key] = []
            return
        }
        let parker = Parker<Void>()
        gates[key]?.append(parker)
        guard case .cancelled = await parker.park() else { return }
        if let index = gates[key]?.firstIndex(where: { $0 === parker }) {
            gates[key]?.remove(at: index)
        } else {
            // It was our turn already.
            leave(key)
        }
        throw .waitCancelled
    }

    private func leave(_ key: IDKey) {
        if let next = gates[key]?.popFirst() { next.unpark() } else { gates[key] = nil }
    }

    /// Runs a callback of an access, off the core.
    @concurrent
    private static func call<Output: Sendable>(
        within scope: CallScope.Access,
        _ callback: @Sendable () async throws -> Output
    ) async throws -> Output {
        try await CallScope.$accesses.withValue(CallScope.accesses.union([scope])) { try await callback() }
    }
}

extension ChatBoxError {
    static var boxClosed: ChatBoxError { ChatBoxError(.closed, "the box is closed") }
    static var clientNotActive: ChatBoxError { ChatBoxError(.notActive, "the client is not active") }
    static var tooManyActive: ChatBoxError {
        ChatBoxError(.limitExceeded, "as many pairs are active as may be (maxActiveConnections)")
    }
    static var waitCancelled: ChatBoxError { ChatBoxError(.cancelled, "cancelled while waiting") }
}
