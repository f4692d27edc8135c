// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The command line of Belfry.
@main
struct BelfryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "belfry",
        abstract: "A real-time message broker.",
        version: BelfryVersion.text,
        subcommands: [
            ServeCommand.self, InfoCommand.self, MissionCommanderCommand.self, PocketsocketCommand.self,
            WatchboxCommand.self,
        ]
    )
}

/// The version, of library and program.
enum BelfryVersion {
    static let text = "0.1.0"
}
