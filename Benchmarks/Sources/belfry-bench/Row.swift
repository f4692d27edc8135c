// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// One workload of the comparison.
struct Row: Sendable {
    /// What `--only` calls it.
    let name: String
    /// What the tables call it.
    let title: String
    /// What `belfry-load` is told.
    let arguments: [String]
    /// The wires it is for; nil for all.
    var wires: Set<String>?
    /// Whether kernel entries are counted.
    var takesEntries: Bool { arguments.first != "connect" }
    /// Whether memory is measured, not deliveries.
    var isIdle: Bool { arguments.first == "idle" }

    static let all =
        [(100, 1), (100, 8), (100, 64), (100, 256), (1_000, 64)].map { subscribers, window in
            Row(
                name: "fanout-\(subscribers)-\(window)",
                title: "fan-out \(subscribers), W=\(window)",
                arguments: ["fanout", "--subscribers", "\(subscribers)", "--window", "\(window)"]
            )
        } + [
            Row(name: "pair", title: "1→1, W=1024", arguments: ["pair", "--window", "1024"]),
            Row(
                name: "echo",
                title: "echo, 50 connections",
                arguments: ["echo", "--connections", "50"],
                // A room each, where the others' servers have one.
                wires: ["nucosmq", "nats", "resp"]
            ),
            Row(
                name: "connect",
                title: "connect, 8 at a time",
                arguments: ["connect", "--concurrency", "8"],
                wires: ["nucosmq", "missioncommander", "pocketsocket", "websocket"]
            ),
            Row(
                name: "idle",
                title: "idle, 5000 sessions",
                arguments: ["idle", "--sessions", "5000"],
                wires: ["nucosmq", "missioncommander", "nats", "resp"]
            ),
        ]
        + [1_000, 10_000].map { sessions in
            Row(
                name: "idle-\(sessions)",
                title: "idle, \(sessions) sockets",
                // Pocketsocket tells everybody of everybody who comes: one by one that takes for ever.
                arguments: ["idle", "--sessions", "\(sessions)", "--together", "200"],
                wires: ["pocketsocket", "websocket"]
            )
        }
}
