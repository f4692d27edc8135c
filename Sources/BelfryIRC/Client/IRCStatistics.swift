// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a client has done, and what was lost.
public struct IRCStatistics: Sendable, Hashable {
    /// Lines handed to the kernel.
    public internal(set) var sentLines = 0
    /// Messages received, PING and PONG too.
    public internal(set) var receivedMessages = 0
    /// Received lines that were too long or no messages, and were dropped.
    public internal(set) var malformedLines = 0
    /// Lines that were never sent: the client ended, or a server asked faster than it took the answers.
    public internal(set) var unsentLines = 0
    /// How often a server let the client in.
    public internal(set) var registrations = 0
    /// Lines that wait to be sent.
    public internal(set) var queuedLines = 0
}
