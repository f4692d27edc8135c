// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryMissionCommander
import Logging

struct MissionSession: Sendable {
    let broker: Broker
    init(configuration: BrokerConfiguration, logger: Logger) throws {
        broker = try Broker(configuration: configuration, logger: logger)
    }
    func answer(to line: String) async -> Answer {
        let command: MissionCommand
        do { command = try MissionCommand(parsing: line) } catch { return .failed(error.text) }
        switch command {
        case .nothing: return .nothing
        case .help: return .done("Command syntax:  {client/server} <verb> [args...]")
        case .leave: return .leaving
        default: return .done("\(command)")
        }
    }
    func showMessages(_ show: (String) -> Void) async {}
    func stop() async { await broker.shutDown() }
}
