// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// A request of Discord's HTTP API, and what it counts towards.
struct DiscordRequest: Sendable {
    var method: HTTPRequest.Method
    /// Behind the base URL.
    var path: String
    var route: RateLimiter.Route
    var body = ""
    /// It may arrive twice without harm.
    var isRepeatable: Bool

    private init(_ method: HTTPRequest.Method, _ path: String, kind: String, resource: Int = 0) {
        self.method = method
        self.path = path
        route = RateLimiter.Route(kind: "\(method.rawValue) \(kind)", resource: resource)
        isRepeatable = method == .get
    }

    /// Where the gateway is ("Get Gateway Bot").
    static let gateway = DiscordRequest(.get, "/gateway/bot", kind: "/gateway/bot")

    /// The bot's servers, 200 at a time ("Get Current User Guilds").
    static func guilds(after id: Int) -> DiscordRequest {
        DiscordRequest(.get, "/users/@me/guilds?limit=200&after=\(id)", kind: "/users/@me/guilds")
    }

    /// A server's channels ("Get Guild Channels").
    static func channels(of guild: Int) -> DiscordRequest {
        DiscordRequest(.get, "/guilds/\(guild)/channels", kind: "/guilds/channels", resource: guild)
    }

    /// A thread with its first message ("Start Thread in Forum or Media Channel").
    static func startThread(in forum: Int, name: String, text: String) -> DiscordRequest {
        var request = DiscordRequest(.post, "/channels/\(forum)/threads", kind: "/channels/threads", resource: forum)
        let message = #"{"content":\#(DiscordJSON.quoted(text)),"allowed_mentions":{"parse":[]}}"#
        request.body = #"{"name":\#(DiscordJSON.quoted(name)),"message":\#(message)}"#
        return request
    }

    /// A message ("Create Message") that nobody is notified of by name; Discord knows one that comes twice by `nonce`.
    static func message(in channel: Int, text: String, nonce: UInt64) -> DiscordRequest {
        var request = DiscordRequest(
            .post,
            "/channels/\(channel)/messages",
            kind: "/channels/messages",
            resource: channel
        )
        request.body =
            #"{"content":\#(DiscordJSON.quoted(text)),"allowed_mentions":{"parse":[]},"#
            + #""nonce":"\#(nonce)","enforce_nonce":true}"#
        request.isRepeatable = true
        return request
    }
}
