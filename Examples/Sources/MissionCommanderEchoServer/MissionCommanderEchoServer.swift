// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryMissionCommander
import Dispatch
import Logging

/// A mission commander: every line of input goes to all clients as a message "echo", also to those that are away.
///
/// `MissionCommanderEchoServer [port]`, 30000 if absent; 0 lets the system choose. End of input stops it.
@main
struct MissionCommanderEchoServer {
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 30_000
        let broker = try Broker(logger: Logger(label: "echo"))
        let server = Server(broker: broker, interface: "127.0.0.1", port: port)
        if let address = try await server.start() { print("listening on \(address)") }

        let changes = server.clients
        let watching = Task {
            for try await case .element(let change) in changes { print("\(change.id) \(change.kind)") }
        }
        while let line = await nextLine() {
            try await server.send(to: .all, Message(subject: "echo", encoding: ["message": line]))
        }
        // Tells the clients that this is the end, behind what was sent before.
        try await server.stop()
        watching.cancel()
        await broker.shutDown()
    }

    /// Waits for a line on a thread that may block, not on one of Swift's.
    static func nextLine() async -> String? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: readLine()) }
        }
    }
}
