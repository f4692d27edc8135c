// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryNucosMQ

/// Signs in, joins the room "weather", reports once, and prints what others and it report.
func watch(port: UInt16, name: String, secret: String) async throws {
    // Comes back by itself, and into its rooms, when the connection is lost.
    var configuration = NucosClientConfiguration()
    configuration.reconnect = .init()
    let client = try NucosClient(host: "127.0.0.1", port: port, uid: name, configuration: configuration) { challenge in
        print("asked: \(challenge.jsonString ?? "")")
        return .text(secret)
    }
    await client.onDisconnect { print("disconnected: \($0)") }
    let messages = client.room("weather").messages
    try await client.start()
    guard await client.ready() else { return print("not let in") }
    await client.send(event: "report", content: .text("\(name) sees the sun"))
    for try await case .element(let message) in messages {
        print("\(message.event): \(message.content.jsonString ?? message.content.text)")
    }
}
