// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

/// A Watchbox server on a broker: browsers poll groups over plain HTTP.
///
///     let watchbox = Watchbox(broker: broker)
///     watchbox.onMessage { message in message.reply(.text("got it")) }
///     let web = HTTPServer.web(broker: broker) { router in watchbox.addRoutes(to: &router) }
///     try await web.start()
///     watchbox.publish(.json(#"{"players": 2}"#), to: "lobby")
///
/// A group is the room of that name of the broker: what a client says there, clients of other protocols hear, and the
/// other way round; a message with an event, which this protocol has not, arrives as `{"event":…,"content":…}`. Who is a
/// member of a group is not listed among the members of the room. What a client says to the server goes to handlers or
/// sequences alone.
///
/// The original's page connects unmodified; other pages may ask for more (see ``addRoutes(to:)``).
public struct Watchbox: Sendable {
    let shared: WatchboxShared

    /// Makes a server; clients come once it has been added to a web server.
    public init(broker: Broker, configuration: WatchboxConfiguration = .init()) {
        shared = WatchboxShared(configuration, broker: broker)
    }

    /// How many clients are registered.
    public var clientCount: Int { shared.clients.count }

    // MARK: Settings

    /// What can be changed while the server runs, all at once.
    public var settings: WatchboxSettings {
        get { shared.settings }
        nonmutating set { shared.change { $0 = newValue } }
    }

    /// Messages that wait for a client in one group; see ``WatchboxSettings/listLimit``.
    public var listLimit: Int {
        get { shared.settings.listLimit }
        nonmutating set { shared.change { $0.listLimit = newValue } }
    }

    /// How long a client may be silent before it is forgotten.
    public var timeout: Duration {
        get { shared.settings.timeout }
        nonmutating set { shared.change { $0.timeout = newValue } }
    }

    /// How long a message waits before it is dropped unseen.
    public var ttl: Duration {
        get { shared.settings.ttl }
        nonmutating set { shared.change { $0.ttl = newValue } }
    }

    /// What is logged, 0 to 3; see ``WatchboxSettings/loggingLevel``.
    public var loggingLevel: Int {
        get { shared.settings.loggingLevel }
        nonmutating set { shared.change { $0.loggingLevel = newValue } }
    }

    /// Whether log lines of clients are written to a file.
    public var clientLogging: Bool {
        get { shared.settings.clientLogging }
        nonmutating set { shared.change { $0.clientLogging = newValue } }
    }

    /// Whether a client gets its own messages; see ``WatchboxSettings/deliverToSender``.
    public var deliverToSender: Bool {
        get { shared.settings.deliverToSender }
        nonmutating set { shared.change { $0.deliverToSender = newValue } }
    }

    // MARK: Messages

    /// Publishes a value to a group: all members get it, and all other clients in the room of that name.
    ///
    /// - Returns: false for a value that calls itself JSON and is none, and for the group `server`.
    @discardableResult
    public func publish(_ value: Payload, to group: String) -> Bool {
        guard group != WatchboxShared.serverGroup, let json = MessageText.json(value) else { return false }
        shared.publish(json, to: group)
        return true
    }

    // MARK: Handlers

    /// Calls a handler with what clients say to the server.
    ///
    /// Handlers run one call after the other, in tasks of their own, never on a request's way; the last one of each kind
    /// wins. What a handler throws is logged. Events wait for a slow one, up to `maxWaitingEvents`.
    public func onMessage(_ handler: @escaping @Sendable (WatchboxMessage) async throws -> Void) {
        shared.messages.handle(handler)
    }

    /// Calls a handler with the uid of each client that was forgotten because it was silent.
    public func onTimeout(_ handler: @escaping @Sendable (String) async throws -> Void) {
        shared.timeouts.handle(handler)
    }

    /// Calls a handler with the uid of each client that has become a member of a group, once for each group.
    public func onJoin(_ handler: @escaping @Sendable (String) async throws -> Void) {
        shared.joins.handle { try await handler($0.uid) }
    }

    /// Calls a handler with the uid of each new client.
    public func onRegister(_ handler: @escaping @Sendable (String) async throws -> Void) {
        shared.registrations.handle(handler)
    }

    // MARK: Sequences

    /// What clients say to the server, from now on; at most 1,024 wait for a slow reader, then the oldest go, announced.
    public var messages: Queue<WatchboxMessage> { shared.messages.sequence() }
    /// The clients that were forgotten because they were silent, from now on; bounded as ``messages``.
    public var timeouts: Queue<String> { shared.timeouts.sequence() }
    /// The clients that became members of groups, from now on; bounded as ``messages``.
    public var joins: Queue<WatchboxJoin> { shared.joins.sequence() }
    /// The clients that registered, from now on; bounded as ``messages``.
    public var registrations: Queue<String> { shared.registrations.sequence() }
}
