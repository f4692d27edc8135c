// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A server to measure: how it is started and which wire it speaks.
struct Contender: Sendable {
    /// What `--servers` and the tables call it.
    let name: String
    /// The wire, as `belfry-load` calls it.
    let wire: String
    /// Program and arguments; `PORT` stands for the port, `BELFRY` for the product's program, `CONFIGURATION` for a file.
    let command: [String]
    /// What is in that file, where there is one; `PORT` as above.
    var configuration: String?

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
        // Limits that would lose messages are off, and so is Nagle's algorithm, which no other server here uses.
        Contender(
            name: "mosquitto",
            wire: "mqtt",
            command: ["mosquitto", "-c", "CONFIGURATION"],
            configuration: """
                listener PORT 127.0.0.1
                allow_anonymous true
                persistence false
                set_tcp_nodelay true
                max_queued_messages 0
                log_type error
                """
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
    func arguments(port: Int, belfry: String, extra: [String], configuration: String) -> [String] {
        command.map { word in
            switch word {
            case "BELFRY": belfry
            case "CONFIGURATION": configuration
            default: word.replacing("PORT", with: "\(port)")
            }
        } + (isProduct ? extra : [])
    }
}
