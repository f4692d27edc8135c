// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A server to measure: how it is started and which wire it speaks.
struct Contender: Sendable {
    /// What `--servers` and the tables call it.
    let name: String
    /// The wire, as `belfry-load` calls it.
    let wire: String
    /// Program and arguments; `PORT` stands for the port, `BELFRY` for the product's program.
    let command: [String]

    static let all = [
        belfry("epoll"),
        belfry("uring"),
        commander("epoll"),
        commander("uring"),
        pocketsocket("epoll"),
        pocketsocket("uring"),
        Contender(
            name: "redis",
            wire: "resp",
            command: ["redis-server", "--port", "PORT", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        ),
        // Of `Peers`, if its programs are on the path.
        Contender(name: "nio", wire: "websocket", command: ["nio-websocket", "PORT", "1"]),
        Contender(name: "nats", wire: "nats", command: ["nats-server", "-a", "127.0.0.1", "-p", "PORT"]),
    ]

    /// Whether it is the product itself.
    var isProduct: Bool { command.first == "BELFRY" }

    private static func belfry(_ io: String) -> Contender {
        Contender(
            name: "belfry-\(io)",
            wire: "nucosmq",
            command: [
                "BELFRY", "serve", "--io", io, "--loops", "1", "--nucosmq", "127.0.0.1:PORT",
                "--missioncommander", "127.0.0.1:0", "--log-level", "error",
            ]
        )
    }

    /// The product again, spoken to in another protocol.
    private static func commander(_ io: String) -> Contender {
        Contender(
            name: "commander-\(io)",
            wire: "missioncommander",
            command: [
                "BELFRY", "serve", "--io", io, "--loops", "1", "--nucosmq", "127.0.0.1:0",
                "--missioncommander", "127.0.0.1:PORT", "--log-level", "error",
            ]
        )
    }

    /// The product as a Pocketsocket server.
    private static func pocketsocket(_ io: String) -> Contender {
        Contender(
            name: "pocketsocket-\(io)",
            wire: "pocketsocket",
            command: ["BELFRY", "pocketsocket", "127.0.0.1", "PORT", "--io", io, "--loops", "1"]
        )
    }

    /// Whether a workload is for it.
    func takes(_ row: Row) -> Bool { row.wires?.contains(wire) ?? true }

    /// The command line for a port.
    func arguments(port: Int, belfry: String, extra: [String]) -> [String] {
        command.map { $0 == "BELFRY" ? belfry : $0.replacing("PORT", with: "\(port)") } + (isProduct ? extra : [])
    }
}
