// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryDiscord
import Testing

@Suite("Discord's token", .timeLimit(.minutes(3)))
struct TokenTests {
    @Test("a token does not show, however it is printed")
    func hidden() throws {
        let token = try DiscordToken("top.secret")
        var dumped = ""
        dump(token, to: &dumped)
        for text in ["\(token)", String(reflecting: token), dumped, "\([token])", "\(Optional(token) as Any)"] {
            #expect(!text.contains("secret"))
        }
    }

    @Test(
        "what can't be a token is refused, without repeating it",
        arguments: ["", "a secret", "a\r\nsecret: 1", "sécret", String(repeating: "secret", count: 100)]
    )
    func bad(_ text: String) {
        #expect { try DiscordToken(text) } throws: { error in
            (error as? DiscordError)?.code == .badToken && !"\(error)".contains("cret")
        }
    }

    @Test(
        "base URLs that can't be used are refused",
        arguments: [("ftp://x", "wss://x"), ("https://x?y", "wss://x"), ("https://x", "https://x")]
    )
    func urls(_ api: String, _ gateway: String) async throws {
        var configuration = DiscordClient.Configuration()
        configuration.apiURL = api
        configuration.gatewayURL = gateway
        let token = try DiscordToken("t")
        await #expect {
            try await DiscordClient.withClient(token: token, configuration: configuration) { _ in }
        } throws: { error in
            (error as? DiscordError)?.code == .badURL
        }
    }
}
