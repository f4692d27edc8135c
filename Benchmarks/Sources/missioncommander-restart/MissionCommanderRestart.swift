// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BelfryIO

/// `missioncommander-restart`: kills a server under its clients, starts it again, and measures how they come back.
@main
struct MissionCommanderRestart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "missioncommander-restart",
        abstract: "Kills a MissionCommander server under its clients, starts it again, and measures their return.",
        subcommands: [Measure.self, Serve.self],
        defaultSubcommand: Measure.self
    )
}

/// The clients, in this process; the server is a child that can be killed.
struct Measure: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measures; one line for each outage.")
    @Option(help: "Clients.") var clients = 200
    @Option(help: "Milliseconds from the kill to the start of the next server.") var outage = [0, 500, 2_000, 5_000]
    @Option(help: "Messages that each client sends while there is no server.") var messages = 3
    @Option(help: "The engine of both sides: auto, epoll or uring.") var io = "auto"

    func validate() throws {
        guard (1...2_000).contains(clients), (0...1_000).contains(messages), IOChoice(io) != nil,
            outage.allSatisfy((0...60_000).contains)
        else {
            throw ValidationError("clients must be 1...2000, messages 0...1000, an outage 0...60000")
        }
    }

    func run() async throws {
        var isSound = true
        print("outage_ms  last_return_ms  since_listening_ms  largest_share_in_100_ms  lost  state_violations")
        for pause in outage {
            let run = Restart(clients: clients, messages: messages, io: io)
            let result = try await run.measure(outage: .milliseconds(pause))
            print(result.row(outage: pause))
            isSound = isSound && result.lost == 0 && result.violations == 0
        }
        if !isSound { throw ExitCode.failure }
    }
}
