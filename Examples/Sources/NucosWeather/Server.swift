// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryNucosMQ
import Logging

/// Lets in who knows the word.
///
/// What challenge and signature are is up to you: here the challenge is a question, the signature the word. In earnest
/// sign a random challenge instead, so that the secret never travels.
struct Doorkeeper: NucosAuthenticator {
    func challenge(for uid: String) async throws -> Payload { .text("What comes after rain, \(uid)?") }

    func verify(uid: String, signature: Payload, challenge: Payload) async throws -> Bool {
        signature.jsonString == "rainbow"
    }
}

/// Serves, and publishes every report that a client sends into the room "weather".
func serve(port: UInt16) async throws {
    let broker = try Broker(logger: Logger(label: "weather"))
    let server = NucosServer(
        broker: broker,
        configuration: .init(address: .loopback(port: port), authenticator: Doorkeeper())
    )
    let events = server.events()
    print("listening on \(try await server.start())")
    for try await case .element(let event) in events where event.event == "report" {
        print("\(event.uid ?? "somebody") reports \(event.content.text)")
        try await server.publish(room: "weather", event: "today", content: event.content)
    }
}
