// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryPocketsocket
import Dispatch

/// A chat through several servers at once: `PocketsocketChat [server …]`, 127.0.0.1:8001 if absent.
///
/// Each line of input is said on the channel "chat"; what is said there is printed, and how the servers are.
@main
struct PocketsocketChat {
    static func main() async throws {
        let servers = Array(CommandLine.arguments.dropFirst())
        let client = try PocketsocketClient(servers.isEmpty ? ["127.0.0.1:8001"] : servers)
        let (said, core) = (client.channel("chat").events("said"), client.channel("socket").events)
        do {
            try await client.connect()
        } catch {
            return print(error)
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    for try await case .element(let event) in said { print("\(event.server): \(event.text)") }
                } catch {
                    print("the end: \(error)")
                }
            }
            group.addTask {
                do {
                    for try await case .element(let event) in core { print("\(event.server) \(event.name)") }
                } catch {
                    print("no server is left")
                }
            }
            while let line = await nextLine() {
                do {
                    try await client.signal("chat", "said", line)
                } catch {
                    print("not sent: \(error)")
                }
            }
            await client.close()
        }
    }

    /// Waits for a line on a thread that may block, not on one of Swift's.
    static func nextLine() async -> String? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: readLine()) }
        }
    }
}
