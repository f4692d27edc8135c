// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Who a message comes from: `nick!user@host`, or a server's name (RFC 2812, 2.3.1).
public struct IRCPrefix: Sendable, Hashable, CustomStringConvertible {
    /// The nickname, or the server's name.
    public var name: String
    /// The user's name at his machine; nil where the prefix has none.
    public var user: String?
    /// The user's machine; nil where the prefix has none.
    public var host: String?

    /// Makes a prefix.
    public init(_ name: String, user: String? = nil, host: String? = nil) {
        self.name = name
        self.user = user
        self.host = host
    }

    /// Reads a prefix without its colon; every text is one.
    public init(parsing text: String) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let names = (parts.first ?? "").split(separator: "!", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(names.first ?? "")
        user = names.count > 1 ? String(names[1]) : nil
        host = parts.count > 1 ? String(parts[1]) : nil
    }

    /// The prefix as on the wire, without its colon.
    public var description: String {
        name + (user.map { "!\($0)" } ?? "") + (host.map { "@\($0)" } ?? "")
    }
}
