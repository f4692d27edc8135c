// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What names may hold, and which of them are the same.
enum IRCNames {
    /// How a server compares names (the parameter CASEMAPPING of its reply 005).
    enum Mapping: String {
        case ascii
        /// `[]\~` are the capitals of `{}|^`, too.
        case rfc1459
        /// `[]\` are the capitals of `{}|`, too.
        case strict = "strict-rfc1459"
    }

    /// The form by which a name is compared.
    static func fold(_ name: String, _ mapping: Mapping) -> String {
        let end: UInt8 =
            switch mapping {
            case .ascii: 0x5A
            case .strict: 0x5D
            case .rfc1459: 0x5E
            }
        let bytes = name.utf8.map { byte in
            if mapping == .rfc1459, byte == 0x7E { return UInt8(0x5E) }
            return (0x41...end).contains(byte) && byte != 0x5E ? byte | 0x20 : byte
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether a text can be addressed: a channel or a person, and one alone (RFC 2812, 2.3.1).
    static func isTarget(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 200 && !text.hasPrefix(":")
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x2C && $0 != 0x7F }
    }

    /// Whether a text is a channel's name (RFC 2812, 1.3); its length is the server's affair.
    static func isChannel(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        return "#&+!".utf8.contains(first) && text.utf8.count > 1 && isTarget(text)
    }

    /// Whether a text can be a nickname; servers want less than this lets through.
    static func isNickname(_ text: String) -> Bool {
        guard let first = text.utf8.first, !"#&+!$~%@0123456789-".utf8.contains(first) else { return false }
        return text.utf8.count <= 64 && isTarget(text) && !text.utf8.contains { "!@*?.".utf8.contains($0) }
    }

    /// A nickname to try when those before are taken: with `_`, then with numbers from 2, never longer than it was or
    /// 9 bytes (RFC 2812, 1.2.1), which all servers take.
    static func variant(_ attempt: Int, of nickname: String) -> String {
        guard attempt > 0 else { return nickname }
        let suffix = attempt == 1 ? "_" : "\(attempt)"
        // The first name may have been refused because it is too long.
        let limit = max(1, 9 - suffix.utf8.count)
        var stem = nickname
        while stem.utf8.count > limit { stem.removeLast() }
        return stem.isEmpty ? "guest\(suffix)" : stem + suffix
    }
}
