// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The lengths of the wire, in bytes.
package enum IRCLimits {
    /// A line without tags, with CR and LF (RFC 2812, 2.3).
    package static let lineBytes = 512
    /// The tags that a server may send, with `@` and the space behind them (IRCv3 message tags, size limit).
    package static let tagsBytes = 8_191
    /// The tags that a client may send, without `@` and the space.
    package static let clientTagsBytes = 4_094
}
