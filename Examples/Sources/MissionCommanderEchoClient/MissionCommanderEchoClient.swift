// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryMissionCommander

/// Listens to a mission commander: prints its messages until it stops.
///
/// `MissionCommanderEchoClient [port]`, 30000 if absent. It need not be there yet, and may go away in between.
@main
struct MissionCommanderEchoClient {
    struct Echo: Decodable { var message: String }

    static func main() async throws {
        let client = try Client()
        try await client.setAddress("127.0.0.1")
        try await client.setPort(CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 30_000)
        try await client.setClientID(Client.generateID())
        try await client.subscribe("onConnect") { (id: String) in print("connected as \(id)") }
        try await client.subscribe("onReconnect") { (_: String) in print("connected again") }

        let events = client.events
        guard try await client.connect() else { return print("could not connect") }
        for try await case .element(let event) in events {
            switch event {
            case .message(let message) where message.subject == "echo":
                print("echo: \(try message.decode(Echo.self).message)")
            case .message(let message):
                print("\(message.subject): \(message.body.text)")
            case .serverShutdown:
                print("the server has stopped")
                return await client.shutDown()
            default: break
            }
        }
    }
}
