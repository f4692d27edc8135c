// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The bounds of a chat box.
///
/// Every default is stated here; values below 1 mean 1.
public struct ChatBoxConfiguration: Sendable, Hashable {
    /// Messages that wait in one client queue; then the oldest go, announced as a gap.
    public var clientQueueLimit = 1_024
    /// Bytes of texts that wait in one client queue.
    public var clientQueueMaxBytes = 2 * 1_024 * 1_024
    /// Messages that wait for one reader of a receive queue, and events for one of the other sequences.
    public var receiveQueueLimit = 1_024
    /// Messages that wait in a send queue; then it refuses more.
    public var sendQueueLimit = 1_024
    /// Messages of one pair that wait for the callback of one service; then who sends waits.
    ///
    /// What a callback itself sends to its pair does not wait, but is refused beyond four times as many.
    public var maxUndelivered = 256
    /// Bytes of one text, as UTF-8.
    public var maxMessageBytes = 1_024 * 1_024
    /// Pairs that are active at once.
    public var maxActiveConnections = 65_536
    /// Messages that one service may leave in a row for a client who is away.
    public var maxWaiting = 1_000
    /// Bytes of one pair's properties, as they are stored.
    public var maxPropertyBytes = 64 * 1_024
    /// How long callbacks that are under way may take when the box closes; then they are cancelled.
    public var closeTimeout = Duration.seconds(5)

    /// Makes a configuration with the defaults stated above.
    public init() {}
}
