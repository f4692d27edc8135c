// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryIO
import BelfryMissionCommander
import Foundation
import Logging

/// A server that sends back what clients say; ends only by being killed.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The server of a measurement.", shouldDisplay: false)
    @Option var port = 0
    @Option var io = "auto"

    func run() async throws {
        var logger = Logger(label: "restart.server")
        logger.logLevel = .warning
        let broker = try Broker(configuration: .init(io: IOChoice(io) ?? .automatic), logger: logger)
        let server = Server(broker: broker, interface: "127.0.0.1", port: port)
        let messages = server.messages
        let address = try await server.start()
        // Unbuffered, since whoever started this waits for it.
        FileHandle.standardOutput.write(Data("\(address?.port ?? 0)\n".utf8))
        for try await case .element(let received) in messages {
            try await server.send(to: .id(received.id), received.message)
        }
    }
}
