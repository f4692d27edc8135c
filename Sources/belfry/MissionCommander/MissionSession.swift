// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import Logging

/// A MissionCommander server and a client, on one set of loops, that do what lines of text say.
///
/// Stop it, so that nobody on the other side waits for a goodbye.
struct MissionSession: Sendable {
    private let broker: Broker
    let server: Server
    let client: Client

    /// Makes a server that does not run and a client that is not connected.
    ///
    /// - Throws: `BelfryError` or `MissionCommanderError` when the engine can't be had.
    init(configuration: BrokerConfiguration, logger: Logger) throws {
        var (serverLogger, clientLogger) = (
            Logger(label: "missioncommander.server"), Logger(label: "missioncommander.client")
        )
        serverLogger.handler = logger.handler
        clientLogger.handler = logger.handler
        broker = try Broker(configuration: configuration, logger: serverLogger)
        server = Server(broker: broker)
        // A client of the original's kind, byte for byte, whatever server it is tried against.
        var clientConfiguration = Client.Configuration()
        clientConfiguration.resumes = false
        client = try Client(group: broker.group, configuration: clientConfiguration, logger: clientLogger)
    }

    /// Does what a line says, and tells how it went.
    func answer(to line: String) async -> Answer {
        let command: MissionCommand
        do throws(MissionCommand.Complaint) {
            command = try MissionCommand(parsing: line)
        } catch {
            return .failed(error.text)
        }
        do throws(MissionCommanderError) {
            return try await perform(command)
        } catch {
            return .failed("\(command.place): \(error.message)\(await help(with: error, in: command))")
        }
    }

    /// Says goodbye to the client's server and to the server's clients, and ends the loops; a few seconds at most.
    func stop() async {
        async let goodbye: Void = client.shutDown()
        try? await server.stop()
        await goodbye
        await broker.shutDown()
    }

    /// Tells what the client hears from its server, line by line, until the task is cancelled.
    func showEvents(_ show: @Sendable (String) -> Void) async {
        do {
            for try await delivery in client.events(limit: 256, onOverflow: .dropOldest) {
                switch delivery {
                case .element(let event):
                    if let text = event.notice { show(Answer.inOneLine("client: \(text)")) }
                case .gap(let from, let to): show("client: \(to - from) events not shown")
                }
            }
        } catch {
            // Cancelled: nobody looks any more.
        }
    }
}
