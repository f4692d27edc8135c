// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// The events with a meaning of their own (nucosMQ wire, §3).
enum NucosReservedEvent {
    case startAuth, signature, challengeAuth, authFinal, ping, pong, shutdown, subscribe

    /// What an event's name stands for; nil for an ordinary event.
    ///
    /// `uid` is missing: any name is taken in its place. So are `thanks` and `challenge`, which are ordinary events.
    @inline(__always)
    init?(_ event: JSONValue, in bytes: Span<UInt8>) {
        guard event.kind == .string, let name = event.text.shortName(in: bytes) else { return nil }
        switch name {
        case ShortName("p", "i", "n", "g"): self = .ping
        case ShortName("p", "o", "n", "g"): self = .pong
        case ShortName("s", "h", "u", "t", "d", "o", "w", "n"): self = .shutdown
        case ShortName("s", "u", "b", "s", "c", "r", "i", "p", "e"): self = .subscribe
        case ShortName("s", "i", "g", "n", "a", "t", "u", "r", "e"): self = .signature
        case ShortName("s", "t", "a", "r", "t", "_", "a", "u", "t", "h"): self = .startAuth
        case ShortName("a", "u", "t", "h", "_", "f", "i", "n", "a", "l"): self = .authFinal
        case ShortName("c", "h", "a", "l", "l", "e", "n", "g", "e", "_", "a", "u", "t", "h"): self = .challengeAuth
        default: return nil
        }
    }

    /// Whether an original client acts on it by itself, wherever it comes from.
    ///
    /// It does so even for a message with a room, so a member could make others sign its challenge or hang up.
    var commandsClients: Bool {
        switch self {
        case .startAuth, .challengeAuth, .authFinal, .ping, .pong, .shutdown: true
        case .signature, .subscribe: false
        }
    }
}
