// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Why a line is no message.
package enum IRCMalformed: Error, Sendable, Hashable {
    /// It holds a NUL, or a CR that does not end it.
    case forbiddenByte
    /// Its command is neither letters nor three digits.
    case noCommand
    /// It is longer than lines may be.
    case tooLong
}
