// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

extension Client {
    // MARK: Sequences

    /// The server's messages, from now on, in order; a reader that falls behind makes the client stop reading.
    ///
    /// Each call has a sequence of its own. It ends with the client.
    public nonisolated var messages: Queue<Message> { messages() }

    /// The server's messages, from now on, in order.
    ///
    /// - Parameters:
    ///   - limit: Messages that may wait; nil takes ``Configuration/maxWaitingMessages``.
    ///   - policy: `.suspend` holds the server back; the others lose messages, announced as `.gap`.
    public nonisolated func messages(
        limit: Int? = nil,
        onOverflow policy: OverflowPolicy = .suspend
    ) -> Queue<Message> {
        outlets.add(waitingRoom(limit, policy, \.byteCount)) { news in
            if case .message(let message) = news.event { message } else { nil }
        }
    }

    /// The changes of the client's state, from now on; the newest 256 wait.
    public nonisolated var states: Queue<ClientStateTransition> {
        outlets.add(.init(limit: 256, policy: .dropOldest)) { news in
            if case .stateChange(let transition) = news.event { transition } else { nil }
        }
    }

    /// All that happens, from now on, in order; a reader that falls behind makes the client stop reading.
    public nonisolated var events: Queue<ClientEvent> { events() }

    /// All that happens, from now on, in order.
    ///
    /// - Parameters:
    ///   - limit: Events that may wait; nil takes ``Configuration/maxWaitingMessages``.
    ///   - policy: `.suspend` holds the server back; the others lose events, announced as `.gap`.
    public nonisolated func events(
        limit: Int? = nil,
        onOverflow policy: OverflowPolicy = .suspend
    ) -> Queue<ClientEvent> {
        outlets.add(waitingRoom(limit, policy, \.byteCount), \.event)
    }

    private nonisolated func waitingRoom<Value>(
        _ limit: Int?,
        _ policy: OverflowPolicy,
        _ size: @escaping @Sendable (Value) -> Int
    ) -> Queue<Value>.Configuration {
        .waitingRoom(configuration, limit: limit, policy: policy, size: size)
    }

    // MARK: Callbacks

    /// Calls back without arguments, whatever the event brings.
    ///
    /// Callbacks of one client run one after the other, in the order of events and then of subscription, off the event
    /// loops; what they throw is logged. The verb may have any spelling that ``Verb`` reads.
    ///
    /// - Throws: ``MissionCommanderError`` `.unknownVerb`.
    public func subscribe(
        _ verb: String,
        _ callback: @escaping @Sendable () async throws -> Void
    ) throws(MissionCommanderError) {
        core.subscribe(try Self.verb(verb)) { _ in try await callback() }
    }

    /// Calls back with the client's ID, for `connect` and `reconnect`.
    ///
    /// - Throws: ``MissionCommanderError`` `.unknownVerb`, or `.invalidValue` for a verb that brings no ID.
    public func subscribe(
        _ verb: String,
        _ callback: @escaping @Sendable (String) async throws -> Void
    ) throws(MissionCommanderError) {
        core.subscribe(try Self.verb(verb, among: [.connect, .reconnect])) { event in
            switch event {
            case .connect(let id), .reconnect(let id): try await callback(id)
            default: break
            }
        }
    }

    /// Calls back with the message, for `message`.
    ///
    /// - Throws: ``MissionCommanderError`` `.unknownVerb`, or `.invalidValue` for a verb that brings no message.
    public func subscribe(
        _ verb: String,
        _ callback: @escaping @Sendable (Message) async throws -> Void
    ) throws(MissionCommanderError) {
        core.subscribe(try Self.verb(verb, among: [.message])) { event in
            if case .message(let message) = event { try await callback(message) }
        }
    }

    /// Calls back with the transition, for `statechange`.
    ///
    /// - Throws: ``MissionCommanderError`` `.unknownVerb`, or `.invalidValue` for a verb that brings no transition.
    public func subscribe(
        _ verb: String,
        _ callback: @escaping @Sendable (ClientStateTransition) async throws -> Void
    ) throws(MissionCommanderError) {
        core.subscribe(try Self.verb(verb, among: [.stateChange])) { event in
            if case .stateChange(let transition) = event { try await callback(transition) }
        }
    }

    /// Calls back with the event, for any verb.
    ///
    /// - Throws: ``MissionCommanderError`` `.unknownVerb`.
    public func subscribe(
        _ verb: String,
        _ callback: @escaping @Sendable (ClientEvent) async throws -> Void
    ) throws(MissionCommanderError) {
        core.subscribe(try Self.verb(verb), callback)
    }

    private static func verb(
        _ spelling: String,
        among verbs: Set<Verb> = Set(Verb.allCases)
    ) throws(MissionCommanderError) -> Verb {
        guard let verb = Verb(spelling: spelling) else {
            throw MissionCommanderError(.unknownVerb, "Unknown verb \(spelling)")
        }
        guard verbs.contains(verb) else {
            throw MissionCommanderError(.invalidValue, "Callback not a function of what \(verb) brings")
        }
        return verb
    }
}

extension Queue.Configuration {
    /// The bounds of a listener's queue; a message of any length that is let through fits by itself.
    static func waitingRoom(
        _ configuration: Client.Configuration,
        limit: Int? = nil,
        policy: OverflowPolicy = .suspend,
        size: @escaping @Sendable (Value) -> Int
    ) -> Self {
        .init(
            limit: limit ?? configuration.maxWaitingMessages,
            maxBytes: configuration.maxBodyBytes,
            size: size,
            policy: policy
        )
    }
}
