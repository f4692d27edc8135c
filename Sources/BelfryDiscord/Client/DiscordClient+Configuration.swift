// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension DiscordClient {
    /// The places and bounds of a client, with every default.
    public struct Configuration: Sendable {
        /// Where requests go.
        public var apiURL = "https://discord.com/api/v10"
        /// Where the gateway is; nil, the default, asks `GET /gateway/bot`.
        public var gatewayURL: String?
        /// A file in PEM with the certificate authorities to trust; nil for the system's.
        public var authorities: String?
        /// What the bot wants to hear of.
        public var intents: DiscordIntents = [.guilds, .guildMessages, .messageContent]
        /// Names the program, as Discord asks: `DiscordBot (URL, VERSION)`.
        public var userAgent = "DiscordBot (belfry, 1)"
        /// Events that wait for their reader; the oldest make room for new ones, which the sequence tells.
        public var maxEvents = 1_024
        /// Posts that wait, because the link is away or a rate limit holds them; more are refused.
        public var maxWaitingPosts = 1_000
        /// Bytes of posts that wait; more are refused.
        public var maxWaitingBytes = 4 * 1024 * 1024
        /// How long a post waits for a link, in all, before it fails.
        public var postPatience = Duration.seconds(600)
        /// How long other requests wait for one.
        public var requestPatience = Duration.seconds(30)
        /// The longest rate limit that is waited for.
        public var maxRateLimit = Duration.seconds(300)
        /// How long one request may take.
        public var requestTimeout = Duration.seconds(30)
        /// The pause before a second attempt to connect; it doubles with each.
        public var reconnectPause = Duration.seconds(1)
        /// The longest pause between attempts.
        public var maxReconnectPause = Duration.seconds(120)

        /// Makes a configuration with the defaults stated above.
        public init() {}
    }
}

/// What a bot hears of (Discord's gateway intents).
///
/// Message content is privileged: it has to be switched on in the developer portal.
public struct DiscordIntents: OptionSet, Sendable {
    /// The bits as Discord numbers them.
    public let rawValue: Int

    /// Any bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Servers, channels and threads.
    public static let guilds = DiscordIntents(rawValue: 1 << 0)
    /// Messages in channels and threads of servers.
    public static let guildMessages = DiscordIntents(rawValue: 1 << 9)
    /// Messages to the bot alone.
    public static let directMessages = DiscordIntents(rawValue: 1 << 12)
    /// What the messages say; privileged.
    public static let messageContent = DiscordIntents(rawValue: 1 << 15)
}
