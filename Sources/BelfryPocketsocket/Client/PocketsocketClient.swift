// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryIO
public import Logging

/// A Pocketsocket client: talks through one or several servers, of the library or original ones, to all other clients.
///
///     let client = try PocketsocketClient(["127.0.0.1:8001", "ws://[::1]:8002/path"])
///     let chat = client.channel("chat")
///     let events = chat.events
///     try await client.connect()
///     try await chat.signal("said", "hello")
///     for try await case .element(let event) in events { print(event.server, event.name, event.text) }
///
/// - Servers: connected to all at once, and each message goes to all, with an id for each.
/// - Messages: `channel.event` with any JSON as data. Of one sender they come in its order.
/// - Losses: what is sent while a server is away waits for it, within bounds, and is sent when it is back; past them
///   sending throws. What was under way when a connection broke is told by a local `error` event of the channel
///   `socket`, if the server gives receipts.
/// - The channel `socket`: `connecting`, `open`, `close`, `error` and `reconnect` of this client; `connected`,
///   `disconnected` and `sent` of the servers; `message` for whatever is no message of a channel.
///
/// An actor on an event loop: one of its own, or one of a group that several clients share. A client that nobody holds
/// any more closes at once.
public actor PocketsocketClient: LoopBound {
    /// The loop that serves the sockets; the actor lives on it.
    public nonisolated let loop: EventLoop
    /// The servers, each once.
    public nonisolated let servers: [Address]
    /// How it was set up.
    public nonisolated let configuration: Configuration

    private nonisolated let ownGroup: EventLoopGroup?
    private nonisolated let links: LoopConfined<PocketsocketClientLinks>
    private nonisolated let lastListener = Lock<UInt64>(0)

    /// Makes a client; it connects by ``connect()``.
    ///
    /// - Parameters:
    ///   - servers: At least one; the same twice is once.
    ///   - configuration: Every default is stated at ``Configuration``.
    ///   - io: Which engine, for an event loop of its own.
    ///   - group: Whose loops to use instead, one of them at random; it must outlive the client's connections.
    ///   - logger: Hears of connections that end and of messages that are lost.
    /// - Throws: ``PocketsocketClientError`` `.badAddress` without servers, `.unavailable` when an explicit engine
    ///   cannot be had.
    public init(
        servers: [Address],
        configuration: Configuration = .init(),
        io: IOChoice = .automatic,
        group: EventLoopGroup? = nil,
        logger: Logger = Logger(label: "belfry.pocketsocket")
    ) throws(PocketsocketClientError) {
        var seen: Set<String> = []
        let servers = servers.filter { seen.insert($0.url).inserted }
        guard !servers.isEmpty else { throw PocketsocketClientError(.badAddress, "there is no server to connect to") }
        do throws(IOError) {
            ownGroup = group == nil ? try EventLoopGroup(io, count: 1, logger: logger) : nil
        } catch {
            throw PocketsocketClientError(.unavailable, error.message, cause: error)
        }
        guard let loop = (group ?? ownGroup)?.loops.randomElement() else {
            throw PocketsocketClientError(.unavailable, "the group has no event loop")
        }
        self.loop = loop
        self.servers = servers
        self.configuration = configuration
        links = LoopConfined(PocketsocketClientLinks(servers, configuration, loop: loop, logger: logger), to: loop)
    }

    /// Makes a client of addresses as a person writes them: `host`, `host:port` or `ws://host:port/path`.
    ///
    /// Otherwise as ``init(servers:configuration:io:group:logger:)``; the port is 8001 where there is none.
    public init(
        _ servers: [String] = ["127.0.0.1:8001"],
        configuration: Configuration = .init(),
        io: IOChoice = .automatic,
        group: EventLoopGroup? = nil,
        logger: Logger = Logger(label: "belfry.pocketsocket")
    ) throws(PocketsocketClientError) {
        let list = try Address.list(servers, ports: [])
        try self.init(servers: list, configuration: configuration, io: io, group: group, logger: logger)
    }

    /// Makes a client of hosts and ports.
    ///
    /// Otherwise as ``init(servers:configuration:io:group:logger:)``.
    ///
    /// - Parameters:
    ///   - addresses: Hosts; ports that stand there give way.
    ///   - ports: The ports.
    ///   - list: Every host with every port, or each with its own.
    ///   - configuration: Every default is stated at ``Configuration``.
    ///   - io: Which engine, for an event loop of its own.
    ///   - group: Whose loops to use instead.
    ///   - logger: Hears of connections that end and of messages that are lost.
    /// - Throws: ``PocketsocketClientError`` `.badAddress`, also for a flat list of different lengths.
    public init(
        addresses: [String],
        ports: [UInt16],
        list: List = .mix,
        configuration: Configuration = .init(),
        io: IOChoice = .automatic,
        group: EventLoopGroup? = nil,
        logger: Logger = Logger(label: "belfry.pocketsocket")
    ) throws(PocketsocketClientError) {
        let servers = try Address.list(addresses, ports: ports, list)
        try self.init(servers: servers, configuration: configuration, io: io, group: group, logger: logger)
    }

    deinit {
        let (links, group) = (links, ownGroup)
        loop.execute {
            links.value.abort()
            for loop in group?.loops ?? [] { loop.stop() }
        }
    }

    /// Connects, runs `body`, and closes, whether it returns or throws.
    ///
    /// - Parameters:
    ///   - servers: As ``init(_:configuration:io:group:logger:)`` has them.
    ///   - configuration: Every default is stated at ``Configuration``.
    ///   - io: Which engine.
    ///   - logger: Hears of connections that end and of messages that are lost.
    ///   - body: Uses the client.
    /// - Returns: What `body` returns.
    /// - Throws: ``PocketsocketClientError`` as ``connect()`` does; what `body` throws.
    public static func withClient<Result>(
        _ servers: [String] = ["127.0.0.1:8001"],
        configuration: Configuration = .init(),
        io: IOChoice = .automatic,
        logger: Logger = Logger(label: "belfry.pocketsocket"),
        _ body: (PocketsocketClient) async throws -> Result
    ) async throws -> Result {
        let client = try PocketsocketClient(servers, configuration: configuration, io: io, logger: logger)
        do {
            try await client.connect()
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }

    // MARK: Life

    /// Connects to all servers at once; returns when the first connection is open, while the others go on trying.
    ///
    /// Also starts anew with servers that were given up, and may be called again after ``close()``. Once all of several
    /// servers are open, each is told `socket.broadcast-all-connected`. Cancelling the task closes the client, unless a
    /// connection is open.
    ///
    /// - Throws: ``PocketsocketClientError`` `.gaveUp` when the policy's attempts are used up at all servers, `.closed`,
    ///   `.cancelled`.
    public func connect() async throws(PocketsocketClientError) { try await links.value.connect() }

    /// Closes in order: sends what is queued for open servers, says so to them, and ends the sequences.
    ///
    /// Waits at most twice `closeTimeout`. Goes on to its end even if the task is cancelled.
    public func close() async { await links.value.close() }

    /// The servers that are open at this moment.
    public var openServers: [Address] { links.value.links.filter(\.isOpen).map(\.address) }

    /// Whether any server is open.
    public var isConnected: Bool { links.value.links.contains(where: \.isOpen) }

    // MARK: Sending

    /// Says `channel.event` to all other clients, through every server that was not given up.
    ///
    /// Returns once the message is queued at the servers, not once it is sent. Waits while too much is queued for an
    /// open server. A server that can't take it, while another one can, is told by a local `error` event.
    ///
    /// - Parameters:
    ///   - channel: The channel, without a dot.
    ///   - event: The event, without a dot; empty for a message without a dot.
    ///   - data: JSON as it is, a text as a JSON string, bytes as one of base64.
    /// - Returns: An id for each server that has the message.
    /// - Throws: ``PocketsocketClientError`` `.notConnected`, `.queueFull`, `.badData`, `.tooLarge`, `.closed` or
    ///   `.cancelled` when no server has the message.
    @discardableResult
    public func signal(
        _ channel: String,
        _ event: String,
        _ data: Payload = .json("{}")
    ) async throws(PocketsocketClientError) -> [MessageID] {
        try await sendToAll(Self.message(channel, event), data)
    }

    /// Sends a message, as in `channel.event`, through every server; otherwise as ``signal(_:_:_:)-(_,_,Payload)``.
    @discardableResult
    public func sendToAll(
        _ message: String,
        _ data: Payload = .json("{}")
    ) async throws(PocketsocketClientError) -> [MessageID] {
        try await send(message, data, through: links.value.links, confirmed: false).map(\.id)
    }

    /// Sends a message, as in `channel.event`, through one server alone.
    ///
    /// - Throws: As ``signal(_:_:_:)-(_,_,Payload)``; `.unknownServer`.
    @discardableResult
    public func send(
        _ message: String,
        _ data: Payload = .json("{}"),
        to server: Address
    ) async throws(PocketsocketClientError) -> MessageID {
        let link = try links.value.link(to: server)
        let sent = try await send(message, data, through: [link], confirmed: false)
        return MessageID(text: sent.first?.id.text ?? "", server: link.address)
    }

    /// Sends a text as it is, through one server or every one.
    ///
    /// An original server drops a client whose text is not JSON.
    ///
    /// - Throws: As ``signal(_:_:_:)-(_,_,Payload)``; `.unknownServer`.
    public func sendText(_ text: String, to server: Address? = nil) async throws(PocketsocketClientError) {
        try PocketsocketClientMessage.check(text.utf8.count, maxBytes: configuration.maxMessageBytes)
        let all = links.value
        let some = try server.map { server throws(PocketsocketClientError) in [try all.link(to: server)] }
        _ = try await all.send(to: some ?? all.links) { .init(id: nil, text: text) }
    }

    /// Says `channel.event` to all other clients, and waits for the servers' receipts.
    ///
    /// - Parameters:
    ///   - channel: The channel, without a dot.
    ///   - event: The event, without a dot.
    ///   - data: As for ``signal(_:_:_:)-(_,_,Payload)``.
    ///   - timeout: For each receipt, from when the message is queued; a message that waits for a server that is away
    ///     may still be sent after it.
    /// - Returns: The receipts of all servers that were given the message.
    /// - Throws: As ``signal(_:_:_:)-(_,_,Payload)``; `.timedOut` or `.unconfirmed` when one of them gives none.
    @discardableResult
    public func signalAndWait(
        _ channel: String,
        _ event: String,
        _ data: Payload = .json("{}"),
        timeout: Duration = .seconds(10)
    ) async throws(PocketsocketClientError) -> [Receipt] {
        try await sendAndWait(Self.message(channel, event), data, through: links.value.links, timeout)
    }

    /// Sends a message through one server alone, and waits for its receipt; as ``signalAndWait(_:_:_:timeout:)-(_,_,Payload,_)``.
    @discardableResult
    public func sendAndWait(
        _ message: String,
        _ data: Payload = .json("{}"),
        to server: Address,
        timeout: Duration = .seconds(10)
    ) async throws(PocketsocketClientError) -> Receipt {
        let receipts = try await sendAndWait(message, data, through: [try links.value.link(to: server)], timeout)
        guard let receipt = receipts.first else { throw PocketsocketClientError(.unconfirmed, "no receipt came") }
        return receipt
    }

    private static func message(_ channel: String, _ event: String) -> String {
        event.isEmpty ? channel : "\(channel).\(event)"
    }

    private typealias Sent = (id: MessageID, link: PocketsocketClientLink, item: PocketsocketClientOutbox.Item)

    private func send(
        _ message: String,
        _ data: Payload,
        through some: [PocketsocketClientLink],
        confirmed: Bool
    ) async throws(PocketsocketClientError) -> [Sent] {
        let made = try PocketsocketClientMessage(message, data, maxBytes: configuration.maxMessageBytes)
        let sent = try await links.value.send(to: some) { made.item(waitsForReceipt: confirmed) }
        return sent.map { (MessageID(text: $0.item.id ?? "", server: $0.link.address), $0.link, $0.item) }
    }

    private func sendAndWait(
        _ message: String,
        _ data: Payload,
        through some: [PocketsocketClientLink],
        _ timeout: Duration
    ) async throws(PocketsocketClientError) -> [Receipt] {
        var receipts: [Receipt] = []
        for (_, link, item) in try await send(message, data, through: some, confirmed: true) {
            receipts.append(try await links.value.receipt(of: item, from: link, within: timeout))
        }
        return receipts
    }

    // MARK: Receiving

    /// A channel, as this client sees it; `socket` tells of connections and servers.
    public nonisolated func channel(_ name: String) -> Channel { Channel(client: self, name: name) }

    nonisolated func listen(
        _ filter: PocketsocketClientInbox.Filter,
        limit: Int,
        maxBytes: Int,
        _ policy: OverflowPolicy
    ) -> Queue<Event> {
        let queue = Queue<Event>(
            .init(
                limit: limit,
                maxBytes: max(maxBytes, configuration.maxMessageBytes, 64 * 1024),
                size: { $0.body.bytes.count },
                policy: policy,
                key: { $0.name }
            )
        )
        let number = lastListener.withLock { number in
            number &+= 1
            return number
        }
        let (links, loop) = (links, loop)
        loop.execute { links.value.inbox.add(queue, number: number, filter, isLossless: policy == .suspend) }
        return queue.consumerEnd { loop.execute { links.value.inbox.remove(number) } }
    }
}
