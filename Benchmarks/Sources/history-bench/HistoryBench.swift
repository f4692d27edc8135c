// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `history-bench`: what storing costs, and how fast a long history is read.
@main
struct HistoryBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history-bench",
        abstract: "Measures stored publishing, alone and beside fan-out, and the reading of a long history.",
        subcommands: [Publish.self, Beside.self, Fill.self, Read.self, Replay.self]
    )
}
