// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryHTTP

/// How the web side of a chat box is set up.
///
/// Every default is stated here.
public struct ChatBoxWebConfiguration: Sendable {
    /// How many of the pair's last messages a page gets when it connects; 0, the default, as in the original.
    ///
    /// What files of the original have twice is sent once.
    public var replayedMessages = 0
    /// Which web pages may connect: those of this machine by default, and of the same host and port.
    public var origins = WebSocketOrigins.local()

    /// Makes a configuration with the defaults stated above.
    public init() {}
}
