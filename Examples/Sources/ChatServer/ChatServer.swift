// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryNucosMQ
import Logging

/// A chat server: nucosMQ clients, in any language, meet in the room "lobby".
///
/// `ChatServer [port]`, 4000 if absent; 0 lets the system choose.
@main
struct ChatServer {
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 4000
        let broker = try Broker(logger: Logger(label: "chat"))
        let server = NucosServer(broker: broker, configuration: .init(address: .loopback(port: port)))
        print("listening on \(try await server.start())")

        let lobby = try await broker.room("lobby")
        let changes = await lobby.presence()
        async let greeting: Void = {
            for try await case .element(let change) in changes where change.kind == .joined {
                try await lobby.publish(event: "greeting", .text("welcome, number \(lobby.memberCount)"))
            }
        }()
        for try await case .message(let message) in lobby.messages() {
            print("\(message.sender) \(message.event): \(message.payload.text)")
        }
        try await greeting
    }
}
