// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryHTTP

/// How a Watchbox server is set up.
///
/// Every default is stated here. What is in ``WatchboxSettings`` can be changed while the server runs.
public struct WatchboxConfiguration: Sendable {
    /// What can be changed while the server runs.
    public var settings = WatchboxSettings()
    /// Which web pages may ask for something; what names another origin gets 403.
    public var origins = WebSocketOrigins.sameOrigin
    /// Clients in all; further ones get `wb24`.
    public var maxClients = 65_536
    /// Groups that one client may be in; further ones get `wb24`.
    public var maxGroupsPerClient = 128
    /// Bytes of the messages that one group keeps for its members; beyond that the oldest go.
    public var maxGroupBytes = 16 * 1024 * 1024
    /// Bytes of the messages that all groups keep; beyond that a group that gets one more keeps only its newest.
    public var maxGroupBytesInAll = 256 * 1024 * 1024
    /// Bytes of the replies that wait for one client, forced ones included; beyond that they are refused.
    public var maxReplyBytes = 1024 * 1024
    /// The longest time that a request may wait for a message.
    public var maxWait = Duration.seconds(60)
    /// The most messages that one answer may have.
    public var maxBatch = 256
    /// Messages that wait for a handler, with 16 MiB in all; further ones get `wb24`, or are left out and logged.
    public var maxWaitingEvents = 4_096
    /// Where client log lines go.
    public var clientLogPath = "client.watchbox.log"
    /// Bytes of that file; a full one is renamed to end in `.1`, in place of the last one.
    public var maxClientLogBytes = 16 * 1024 * 1024
    /// Hears the log lines that the level lets through; on event loops and other threads, it must not block.
    ///
    /// Without it the broker's logger hears of what failed on this side, as a handler, and nobody of the rest.
    public var log: (@Sendable (String) -> Void)?

    /// Makes a configuration with the defaults stated above.
    public init() {}
}

/// What can be changed while a server runs; read on each use.
public struct WatchboxSettings: Sendable, Hashable {
    /// Messages that wait for a client in one group; a new one takes the place of the oldest.
    ///
    /// A client's own messages, where it does not get them, take no place; but a group keeps no more than four times as
    /// many messages in all.
    public var listLimit = 50
    /// How long a client may be silent before it is forgotten; looked at every half second.
    public var timeout = Duration.seconds(10)
    /// How long a message waits before it is dropped unseen.
    public var ttl = Duration.seconds(50)
    /// What is logged: 1 errors, 2 who comes and goes as well, 3 every message as well; 0 nothing.
    public var loggingLevel = 3
    /// Whether log lines of clients are written to a file; if not they get `wb24`, and stop.
    public var clientLogging = true
    /// Whether a client that is in a group gets its own messages to it.
    ///
    /// The tabs of one browser are one client: without it they can't talk to each other.
    public var deliverToSender = false

    /// Makes settings with the defaults stated above.
    public init() {}
}
