// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryIO
import BelfryMissionCommander
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

extension Broker {
    /// Runs until SIGTERM or SIGINT: the first drains, the second ends the program as it is.
    ///
    /// - Parameters:
    ///   - banner: What to print once signals are caught; empty for nothing.
    ///   - logger: Hears of the signals.
    func run(until banner: String, _ logger: Logger) async throws {
        // Caught before anybody hears of the port: who starts a server may want to stop it at once.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        // Not print: a pipe would keep it back, and whoever waits for the port reads a pipe.
        if !banner.isEmpty { FileHandle.standardOutput.write(Data((banner + "\n").utf8)) }
        let group = ServiceGroup(configuration: .init(services: [.init(service: self)], logger: logger))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { await Self.stop(group, on: signals, logger) }
            try await tasks.next()
            tasks.cancelAll()
        }
    }

    private static func stop(_ group: ServiceGroup, on signals: UnixSignalsSequence, _ logger: Logger) async {
        var isDraining = false
        for await signal in signals {
            if isDraining { BelfryCommand.exit(withError: ExitCode(128 + signal.rawValue)) }
            isDraining = true
            logger.notice("Stopping; a second signal ends at once.", metadata: ["signal": "\(signal)"])
            await group.triggerGracefulShutdown()
        }
    }
}

extension CleanExit {
    /// Runs `body`; an error that says what a user can do about it becomes one line and status 1.
    static func withMessages(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as BelfryError {
            throw failure(error.message)
        } catch let error as IOError {
            throw failure(error.message)
        } catch let error as MissionCommanderError {
            throw failure(error.message)
        }
    }
}
