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
    /// Whether MissionCommander is left out, unless servers are named.
    var isForFew = false
    /// Whether the product takes part with two event loops, too.
    var takesTwoLoops = false
    /// Whether it is measured without `--full`.
    var isQuick = false
    /// Whether, without `--full`, the product takes part over WebSocket, too.
    var isQuickOverWebSocket: Bool { ["fanout-100-128-64", "fanout-1000-128-64", "request"].contains(name) }
    /// How many times the usual time it is measured, where that gives few samples.
    var patience = 1.0
    /// Bytes that may be on their way at a time; a server may keep copies of them.
    var outstandingBytes = 0
    /// What the load generator does.
    var workload: String { arguments.first ?? "" }
    /// Whether kernel entries are counted.
    var takesEntries: Bool { ["fanout", "pair", "pairs", "echo"].contains(workload) }
    /// Whether memory is measured, not deliveries.
    var isIdle: Bool { workload == "idle" }
    /// Whether a run lasts as long as it is told.
    var isTimed: Bool { !["idle", "storm", "disconnect"].contains(workload) }

    /// Wires whose servers have rooms.
    private static let rooms: Set = ["nucosmq", "nats", "resp", "mqtt"]
    /// Where newcomers are not announced to everybody.
    private static let quiet = rooms.union(["missioncommander", "websocket"])

    static let all = fanouts + others + crowds

    /// Subscribers by payloads by windows; the rows in all protocols first.
    private static let fanouts: [Row] = {
        let sizes = [1, 10, 100, 1_000, 5_000].flatMap { subscribers in
            [16, 128, 1_024, 16_384].flatMap { payload in
                [1, 8, 64].map { (subscribers, payload, $0) }
            }
        }
        let full: Set = ["fanout-100-128-1", "fanout-100-128-8", "fanout-100-128-64", "fanout-1000-128-64"]
        let quick = full.subtracting(["fanout-100-128-8"])
        return sizes.map { subscribers, payload, window in
            let name = "fanout-\(subscribers)-\(payload)-\(window)"
            return Row(
                name: name,
                title: "→\(subscribers), \(payload) B, W=\(window)",
                arguments: [
                    "fanout", "--subscribers", "\(subscribers)", "--payload", "\(payload)", "--window", "\(window)",
                ],
                // Forty minutes are not enough for WebSocket in all of them.
                wires: payload == 128 || payload == 16_384 && subscribers <= 100 ? nil : rooms.union(["websocket"]),
                isForFew: !full.contains(name),
                takesTwoLoops: name == "fanout-1000-128-64",
                isQuick: quick.contains(name),
                outstandingBytes: subscribers * payload * window
            )
        }
    }()

    private static let others = [
        Row(
            name: "steady",
            title: "→100, steady 200/s",
            arguments: ["fanout", "--subscribers", "100", "--rate", "200"],
            isQuick: true,
            patience: 3
        ),
        Row(name: "request", title: "1→1, W=1", arguments: ["pair", "--window", "1"], isQuick: true),
        Row(name: "pair", title: "1→1, W=1024", arguments: ["pair", "--window", "1024"]),
        Row(
            name: "rooms",
            title: "1,000 rooms 1→1, W=1",
            arguments: ["pairs", "--pairs", "1000", "--window", "1"],
            wires: rooms,
            takesTwoLoops: true,
            isQuick: true
        ),
        Row(name: "echo", title: "echo, 50 connections", arguments: ["echo", "--connections", "50"], wires: rooms),
        Row(
            name: "http",
            title: "HTTP, 50 connections",
            // The payload is in the request's path and in the answer.
            arguments: ["echo", "--connections", "50", "--payload", "16"],
            wires: ["http"],
            isQuick: true
        ),
        Row(
            name: "polls",
            title: "→100 long polls, W=1",
            arguments: ["fanout", "--subscribers", "100", "--window", "1"],
            wires: ["watchbox"]
        ),
        Row(
            name: "slow",
            title: "→100 and 1 stuck, W=64",
            arguments: ["slow", "--subscribers", "100", "--slow", "1", "--window", "64"],
            wires: quiet,
            isQuick: true
        ),
        Row(
            name: "replay",
            title: "replay 100,000 stored",
            arguments: ["replay", "--messages", "100000"],
            wires: ["history"],
            isQuick: true
        ),
    ]

    private static let crowds =
        [
            Row(name: "connect", title: "connect, 8 at a time", arguments: ["connect", "--concurrency", "8"]),
            Row(
                name: "storm",
                title: "1,000 come at once",
                arguments: ["storm", "--sessions", "1000"],
                isQuick: true
            ),
            Row(
                name: "disconnect",
                title: "1,000 go at once",
                arguments: ["disconnect", "--sessions", "1000"],
                isQuick: true
            ),
        ]
        + [1_000, 5_000, 10_000].map { sessions in
            Row(
                name: "idle-\(sessions)",
                title: "idle, \(sessions) sessions",
                // Pocketsocket tells everybody of everybody who comes: one by one that takes for ever.
                arguments: ["idle", "--sessions", "\(sessions)", "--together", "200"],
                isQuick: sessions == 1_000
            )
        }
}
