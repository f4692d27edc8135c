// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryIO
public import Logging

/// A MissionCommander client: connects to one server, says who it is, and gets the server's messages.
///
///     let client = try Client()
///     try await client.setAddress("127.0.0.1")
///     try await client.setPort(30_000)
///     try await client.setClientID(Client.generateID())
///     try await client.subscribe("message") { (message: Message) in print(message.subject, message.body.text) }
///     _ = try await client.connect()
///
/// A link that breaks is mended by itself, with pauses that grow from 0.1 s to 15 s, unless `attemptReconnect` is off.
/// What was sent to all meanwhile comes then, once and in order, from a server of ours
/// (``Configuration/resumes``).
///
/// What happens is told by ``messages``, ``states`` and ``events``, and by callbacks on top of them. Messages wait for
/// whoever takes them: a consumer that falls behind its limit makes the client stop reading, and TCP the server.
public actor Client: LoopBound {
    /// The loop that serves the client; the actor lives on it.
    public nonisolated let loop: EventLoop
    /// Hears of what an operator wants to know; `missioncommander.client` unless another was given.
    public nonisolated let logger: Logger
    /// The bounds.
    public nonisolated let configuration: Configuration
    nonisolated let outlets: ClientOutlets
    let confined: LoopConfined<ClientCore>
    /// The client's own loop; nil when it was given others'.
    private nonisolated let ownGroup: EventLoopGroup?

    var core: ClientCore { confined.value }

    /// Makes a client that is not connected, nor knows yet to whom.
    ///
    /// - Parameters:
    ///   - attemptReconnect: Whether a broken link is mended.
    ///   - reconnect: How long it waits before it tries.
    ///   - io: Which engine, for a loop of its own.
    ///   - group: Loops that serve others as well; nil makes one for this client, which ends with it.
    ///   - configuration: The bounds.
    ///   - logger: Hears of what an operator wants to know.
    /// - Throws: ``MissionCommanderError`` `.startFailed` when the engine can't be had.
    public init(
        attemptReconnect: Bool = true,
        reconnect: ReconnectPolicy = .init(),
        io: IOChoice = .automatic,
        group: EventLoopGroup? = nil,
        configuration: Configuration = .init(),
        logger: Logger = Logger(label: "missioncommander.client")
    ) throws(MissionCommanderError) {
        var own: EventLoopGroup?
        if group == nil {
            do throws(IOError) {
                own = try EventLoopGroup(io, count: 1, logger: logger)
            } catch {
                throw MissionCommanderError(.startFailed, error.message, cause: error)
            }
        }
        guard let loop = (group ?? own)?.loops.randomElement() else {
            throw MissionCommanderError(.startFailed, "The group has no event loop")
        }
        let core = ClientCore(
            loop: loop,
            attemptReconnect: attemptReconnect,
            reconnect: reconnect,
            configuration: configuration,
            logger: logger
        )
        outlets = core.delivery.outlets
        confined = LoopConfined(core, to: loop)
        ownGroup = own
        self.loop = loop
        self.logger = logger
        self.configuration = configuration
    }

    deinit {
        let confined = confined
        loop.execute { confined.value.abandon() }
        // The loop may have ended, and with it the way just tried.
        outlets.closeAll()
        for loop in ownGroup?.loops ?? [] { loop.stop() }
    }

    // MARK: Life

    /// 16 random characters of `a–z A–Z 0–9`, for a client's ID.
    public static func generateID() -> String {
        let characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        return String((0..<16).compactMap { _ in characters.randomElement() })
    }

    /// The same as ``generateID()``, under the original's other name.
    public static func generateNewID() -> String { generateID() }

    /// What the client is about.
    public var state: ClientState { core.state }

    /// Connects, and says who the client is.
    ///
    /// A server that refuses is tried again in the background, if `attemptReconnect` is on: the answer is true then, and
    /// the event `connect` comes when the connection stands. A server that does not answer within
    /// ``Configuration/connectTimeout``, a name without address, or a local end that can't be had, is not tried again.
    ///
    /// Cancelling the task ends the attempt; the answer is false then.
    ///
    /// - Returns: Whether the connection stands, or is tried again. False also, with a log line, when the client is
    ///   connected already, or on the way.
    /// - Throws: ``MissionCommanderError`` `.notSet` when the address, the port or the ID is missing, or an interface is
    ///   set without a bind port.
    public func connect() async throws(MissionCommanderError) -> Bool {
        guard let waiter = try core.connect() else { return false }
        guard case .value(let isOn) = await waiter.park() else { return core.cancelConnect() }
        return isOn
    }

    /// Says goodbye and closes, or ends reconnecting.
    ///
    /// Sends what is queued, at most ``Configuration/flushTimeout`` long, then waits for the server to close, at most
    /// ``Configuration/closeGrace``. Cancelling the task closes at once.
    ///
    /// - Returns: Whether nothing failed. False also, with a log line, when there is nothing to disconnect.
    @discardableResult
    public func disconnect() async throws(MissionCommanderError) -> Bool {
        guard let waiter = core.disconnect() else { return false }
        guard case .value(let isOff) = await waiter.park() else { return core.cancelDisconnect() }
        return isOff
    }

    /// Disconnects, ends all sequences and callbacks, and the client's own event loop.
    ///
    /// Nothing can be done with the client afterwards. A client that nobody holds any more does the same by itself, but
    /// closes without a goodbye.
    public func shutDown() async {
        if let waiter = core.disconnect(), case .cancelled = await waiter.park() { _ = core.cancelDisconnect() }
        core.abandon()
        await ownGroup?.shutDown()
    }

    // MARK: Sending

    /// Sends a message to the server; original servers ignore it.
    ///
    /// Suspends while more than ``Configuration/maxQueuedBytes`` wait for a slow server; returns once the message is
    /// queued, not once it is sent. While the client connects or reconnects, messages are queued for the next link, within
    /// ``Configuration/maxQueuedMessages``. What the kernel had taken when a link broke may be lost.
    ///
    /// - Returns: False, with a log line, when the client is not connected.
    /// - Throws: ``MissionCommanderError`` `.invalidSubject` when the subject does not fit or is the wire's own,
    ///   `.queueFull` past the bound, `.notConnected` when the task is cancelled while it waits.
    @discardableResult
    public func send(_ message: Message) async throws(MissionCommanderError) -> Bool {
        guard !ClientFrames.reserved.contains(message.subject) else {
            throw MissionCommanderError(.invalidSubject, "The subject \(message.subject) is reserved")
        }
        return try await core.send(FrameEncoder.frame(subject: message.subject, payload: message.payload))
    }
}
