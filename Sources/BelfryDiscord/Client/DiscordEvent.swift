// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a ``DiscordClient`` hears from the gateway.
public enum DiscordEvent: Sendable, Equatable {
    /// A session has begun for this user, the bot itself.
    ///
    /// `afterLoss`: there was one before that could not be resumed, so events between the two are lost.
    case ready(DiscordUser, afterLoss: Bool)
    /// The session goes on; what was missed has come.
    case resumed
    /// Somebody wrote something.
    case message(DiscordMessage)
    /// The connection is gone, or was not to be had; it is tried again.
    case disconnected(String)
    /// The gateway does not want the bot; this is the last event.
    case ended(DiscordError)
}

/// Somebody on Discord.
public struct DiscordUser: Sendable, Hashable {
    /// The ID, a snowflake.
    public let id: Int
    /// The name.
    public let name: String
    /// It is a program.
    public let isBot: Bool
}

/// A text that somebody wrote in a channel or thread, as a message of its own or as a reply.
public struct DiscordMessage: Sendable, Hashable {
    /// The ID, a snowflake.
    public let id: Int
    /// The channel's, or the thread's.
    public let channelID: Int
    /// The server's; nil in direct messages.
    public let guildID: Int?
    /// Who wrote it.
    public let author: DiscordUser
    /// The text as Discord has it, at most 4,000 characters; empty where there are only attachments, or where the intent
    /// to read content is not granted.
    public let content: String
    /// The URLs of what is attached, at most 10.
    public let attachments: [String]
    /// The bot itself wrote it.
    public let isOwn: Bool
}

extension DiscordUser {
    init?(_ json: DiscordJSON?) {
        guard let json, let id = json.int("id") else { return nil }
        self.init(id: id, name: json.string("username") ?? "", isBot: json.isTrue("bot"))
    }
}

extension DiscordMessage {
    /// Message types with a text of a person's: DEFAULT and REPLY.
    ///
    /// The others are Discord's own, as "changed the title".
    private static let kinds: Set = [0, 19]

    /// Reads a message object; nil for one that is no text, or has not what it must have.
    init?(_ json: DiscordJSON, own: Int?) {
        guard let id = json.int("id"), let channelID = json.int("channel_id"),
            let author = DiscordUser(json.object("author")),
            Self.kinds.contains(json.int("type") ?? 0)
        else { return nil }
        self.init(
            id: id,
            channelID: channelID,
            guildID: json.int("guild_id"),
            author: author,
            content: json.string("content") ?? "",
            attachments: json.array("attachments").prefix(10).compactMap { $0.string("url") },
            isOwn: author.id == own
        )
    }
}
