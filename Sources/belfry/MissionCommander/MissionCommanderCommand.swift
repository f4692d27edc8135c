// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// `belfry missioncommander`: what `python3 -m missioncommander` was.
struct MissionCommanderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "missioncommander",
        abstract: "A MissionCommander server and client, driven by hand.",
        subcommands: [MissionCommanderCLI.self, MissionCommanderGUI.self]
    )

    /// Without a word: the usage and status 2, as the original has it.
    func run() throws {
        FileHandle.standardError.write(Data((BelfryCommand.helpMessage(for: Self.self) + "\n").utf8))
        throw ExitCode(2)
    }
}

/// `belfry missioncommander gui`: the place of the original's window.
struct MissionCommanderGUI: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gui",
        abstract: "The window of the original: comes later, as a web console."
    )

    func run() throws {
        throw CleanExit.failure(
            "the window comes later, as a web console; use 'belfry missioncommander cli' until then"
        )
    }
}
