// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A server to measure: how it is started and which wire it speaks.
struct Contender: Sendable {
    /// What `--servers` and the tables call it.
    let name: String
    /// The wire, as `belfry-load` calls it.
    let wire: String
    /// Program and arguments, the program from the path or from beside this one; `PORT` stands for the port, `BELFRY` for the product's program, `CONFIGURATION` for a file.
    let command: [String]
    /// What is in that file, where there is one; `PORT` as above.
    var configuration: String?
    /// Event loops of the product; it gets as many cores, if there are.
    var loops = 1

    static let all = [
        belfry("epoll"),
        belfry("uring"),
        belfry("epoll", loops: 2),
        belfry("uring", loops: 2),
        commander("epoll"),
        commander("uring"),
        pocketsocket("epoll"),
        pocketsocket("uring"),
        watchbox("epoll"),
        watchbox("uring"),
        http("epoll"),
        http("uring"),
        // No server: the library's own reader in one process with the broker.
        Contender(name: "history-epoll", wire: "history", command: ["history-bench", "--io", "epoll"]),
        Contender(name: "history-uring", wire: "history", command: ["history-bench", "--io", "uring"]),
        Contender(
            name: "redis",
            wire: "resp",
            command: [
                "redis-server", "--port", "PORT", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--maxclients", "20000",
            ]
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
        Contender(name: "hummingbird", wire: "http", command: ["hummingbird-http", "PORT", "1"]),
        Contender(name: "nats", wire: "nats", command: ["nats-server", "-a", "127.0.0.1", "-p", "PORT"]),
    ]

    /// Whether it is the product itself.
    var isProduct: Bool { command.first == "BELFRY" }

    /// Whether it is the product, or a program of this package that is made of it.
    var isOurs: Bool { isProduct || ["history", "http"].contains(wire) && command.first != "hummingbird-http" }

    private static func belfry(_ io: String, loops: Int = 1) -> Contender {
        Contender(
            name: "belfry-\(io)" + (loops > 1 ? "-\(loops)" : ""),
            wire: "nucosmq",
            command: [
                "BELFRY", "serve", "--io", io, "--loops", "\(loops)", "--nucosmq", "127.0.0.1:PORT",
                "--missioncommander", "127.0.0.1:0", "--web", "127.0.0.1:0", "--log-level", "error",
            ],
            loops: loops
        )
    }

    /// The product again, spoken to in another protocol.
    private static func commander(_ io: String) -> Contender {
        Contender(
            name: "commander-\(io)",
            wire: "missioncommander",
            command: [
                "BELFRY", "serve", "--io", io, "--loops", "1", "--nucosmq", "127.0.0.1:0",
                "--missioncommander", "127.0.0.1:PORT", "--web", "127.0.0.1:0", "--log-level", "error",
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

    /// The product as a Watchbox server, which logs what clients do unless told otherwise.
    private static func watchbox(_ io: String) -> Contender {
        Contender(
            name: "watchbox-\(io)",
            wire: "watchbox",
            command: [
                "BELFRY", "watchbox", "--io", io, "--loops", "1", "--logging-level", "0", "127.0.0.1", "PORT",
            ]
        )
    }

    /// The product's HTTP server.
    private static func http(_ io: String) -> Contender {
        Contender(name: "http-\(io)", wire: "http", command: ["http-hello", "PORT", "--io", io])
    }

    /// Whether it is a server; else it does the workload itself.
    var isServer: Bool { wire != "history" }

    /// Whether it takes part in the rows that are many.
    private var isOneOfFew: Bool { wire != "missioncommander" }

    /// Whether it takes part in nothing but the rows that are for its wire.
    private var isApart: Bool { Self.wiresApart.contains(wire) }

    /// Wires with rows of their own.
    static let wiresApart: Set = ["history", "http", "watchbox"]

    /// Whether a workload is for it; one that was named takes all it can.
    func takes(_ row: Row, isNamed: Bool, isFull: Bool) -> Bool {
        if wire == "pocketsocket", !isNamed, !isFull, !row.isQuickOverWebSocket { return false }
        guard row.wires?.contains(wire) ?? !isApart else { return false }
        return isNamed || (loops == 1 || row.takesTwoLoops) && (isOneOfFew || !row.isForFew)
    }

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
