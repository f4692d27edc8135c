// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A bot's token, which no description, log or error of Belfry's shows.
public struct DiscordToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let text: String

    /// Takes a token as the developer portal shows it, without `Bot` in front.
    ///
    /// - Throws: ``DiscordError`` `.badToken` for one that can't be sent: empty, longer than 512 bytes, or with blanks or
    ///   characters beyond ASCII.
    public init(_ text: String) throws(DiscordError) {
        guard (1...512).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw DiscordError(.badToken, "the token is empty, too long, or has characters that no token has")
        }
        self.text = text
    }

    /// Not the token.
    public var description: String { "DiscordToken" }
    /// Not the token.
    public var debugDescription: String { description }
    /// Without the token.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
