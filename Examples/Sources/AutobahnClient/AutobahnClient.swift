// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP

/// Lets the Autobahn test suite's fuzzing server try our WebSocket client: an echo for each of its cases.
///
/// `AutobahnClient URL`, as in `ws://127.0.0.1:9001`.
@main
struct AutobahnClient {
    static func main() async throws {
        guard let server = CommandLine.arguments.dropFirst().first else { return print("AutobahnClient URL") }
        var configuration = WebSocketClient.Configuration()
        configuration.deflate = WebSocketDeflate()
        configuration.maxReceivedBytes = 32 * 1024 * 1024

        let agent = "belfry"
        let count = try await WebSocketClient.withConnection(to: server + "/getCaseCount") { socket in
            var count = 0
            for try await case .text(let text) in socket.messages { count = Int(text) ?? 0 }
            return count
        }
        for number in 1...max(count, 1) {
            do {
                let url = server + "/runCase?case=\(number)&agent=\(agent)"
                try await WebSocketClient.withConnection(to: url, configuration: configuration) { socket in
                    for try await message in socket.messages { try await socket.send(message) }
                }
            } catch {
                // Many cases break the rules on purpose; the suite sees what the client made of it.
                continue
            }
        }
        try await WebSocketClient.withConnection(to: server + "/updateReports?agent=\(agent)") { socket in
            for try await _ in socket.messages {}
        }
        print("\(count) cases")
    }
}
