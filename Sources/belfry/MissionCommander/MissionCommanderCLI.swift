// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryIO
import BelfryMissionCommander
import BelfryTerminal
import Foundation
import Logging
import UnixSignals

/// `belfry missioncommander cli`: one line in, at most one line out (MissionCommander wire, §8).
struct MissionCommanderCLI: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cli",
        abstract: "Read commands for a server and a client, line by line.",
        discussion: """
            Type 'help', 'client help' or 'server help'; 'quit', Ctrl-C or the end of the input stop client and server \
            and end with status 0. On a terminal lines are edited, kept in \
            $XDG_STATE_HOME/belfry/missioncommander_history, and what the client receives is shown. From a pipe or a \
            file there is no prompt, and each line is answered with at most one line, at once.
            """
    )

    @OptionGroup var engine: EngineOptions

    @Flag(help: "Show the prompt although the input is no terminal.")
    var prompt = false

    @Flag(help: "Stop at the first line that fails, with status 1.")
    var strict = false

    @Option(help: "How much is logged on standard error: trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .error

    private static let promptText = "> "

    func run() async throws {
        var logger = Logger(label: "missioncommander") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = logLevel
        var configuration = engine.configuration()
        // One person's commands need no more than one loop.
        configuration.loops = engine.loops ?? 1
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup, .sigwinch, .sigcont)
        let status: ExitCode
        do {
            let session = try MissionSession(configuration: configuration, logger: logger)
            do {
                status = try await converse(session, signals)
            } catch {
                await session.stop()
                throw error
            }
        } catch let error as BelfryError {
            throw CleanExit.failure(error.message)
        } catch let error as IOError {
            throw CleanExit.failure(error.message)
        } catch let error as MissionCommanderError {
            throw CleanExit.failure(error.message)
        }
        if status != .success { throw status }
    }

    /// Answers lines until there are no more; stops client and server in any case.
    private func converse(_ session: MissionSession, _ signals: UnixSignalsSequence) async throws -> ExitCode {
        let reader = try LineReader(prompt: Self.promptText, history: Self.historyPath)
        return await withTaskGroup { tasks in
            tasks.addTask { await Self.heed(signals, reader) }
            if reader.isEditing { tasks.addTask { await session.showEvents { reader.show($0) } } }
            let status = await answer(reader, session)
            // The terminal first: stopping may take a moment, and a second signal ends the program as it is.
            await reader.close()
            await session.stop()
            tasks.cancelAll()
            return status
        }
    }

    private func answer(_ reader: LineReader, _ session: MissionSession) async -> ExitCode {
        while true {
            if prompt, !reader.isEditing, await !reader.write(Self.promptText) { return .success }
            let answer: Answer
            switch await reader.next() {
            case .text(let line): answer = await session.answer(to: line)
            case .tooLong(let maxBytes): answer = .failed("Line is longer than \(maxBytes) bytes")
            case .notUTF8: answer = .failed("Line is not UTF-8")
            case nil: return .success
            }
            if let text = answer.text, await !reader.write(text + "\n") { return .success }
            if answer.outcome == .leaves { return .success }
            if strict, answer.outcome == .failed { return .failure }
        }
    }

    /// The first signal ends the conversation, the second the program.
    private static func heed(_ signals: UnixSignalsSequence, _ reader: LineReader) async {
        var isEnding = false
        for await signal in signals {
            switch signal {
            case .sigwinch: reader.resize()
            case .sigcont: reader.resume()
            default:
                if isEnding { exit(withError: ExitCode(128 + signal.rawValue)) }
                isEnding = true
                reader.end()
            }
        }
    }

    /// The XDG base directories' place for a program's state; nil without a home.
    private static var historyPath: String? {
        let environment = ProcessInfo.processInfo.environment
        // A relative path there is to be ignored, says the specification.
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            return "\(state)/belfry/missioncommander_history"
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return "\(home)/.local/state/belfry/missioncommander_history"
    }
}
