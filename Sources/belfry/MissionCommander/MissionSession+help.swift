// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryMissionCommander

extension MissionSession {
    /// What the message of the library leaves open: the command that helps.
    func help(with error: MissionCommanderError, in command: MissionCommand) async -> String {
        switch error.code {
        case .notSet:
            for (controller, field) in command.needs where await get(controller, field) == .null {
                return ": say '\(controller.rawValue) set \(field.rawValue) …' first"
            }
            return ""
        case .notStarted: return ": say 'server start' first"
        case .invalidPayload: return #": write a JSON object in single quotes, such as '{"text": "hello"}'"#
        default: return ""
        }
    }

    /// Why the client could not connect, and what to look at.
    func failure() async -> String {
        let target = "\(await client.get(.address)):\(await client.get(.port))"
        guard let error = await client.lastFailure else { return "No connection to \(target)" }
        switch error.code {
        case .refused: return "\(target) refuses the connection: is a server started there?"
        case .timedOut: return "\(target) does not answer: is a server started there, and can it be reached?"
        case .nameNotResolved: return "\(error.message): is 'client get address' right?"
        case .badAddress, .addressInUse, .notPermitted:
            return "\(error.message): are 'client get interface' and 'client get bind_port' right?"
        default: return "\(target): \(error.message)"
        }
    }
}

extension MissionCommand {
    /// What an error's line begins with.
    var place: String {
        switch self {
        case .nothing, .help, .leave: "missioncommander"
        case .knownVerbs(let controller): "\(controller.rawValue): help"
        case .set(let controller, let field, _): "\(controller.rawValue): set \(field.rawValue)"
        case .get(let controller, let field): "\(controller.rawValue): get \(field.rawValue)"
        case .connect: "client: connect"
        case .disconnect: "client: disconnect"
        case .start: "server: start"
        case .stop: "server: stop"
        case .send: "server: send"
        case .status(let controller): "\(controller.rawValue): status"
        }
    }

    /// The fields that have to be set for it, in the order in which they are missed.
    fileprivate var needs: [(Controller, Field)] {
        switch self {
        case .connect: [(.client, .address), (.client, .port), (.client, .clientID), (.client, .bindPort)]
        case .start: [(.server, .interface), (.server, .port)]
        default: []
        }
    }
}

extension MissionCommand.Value {
    var property: PropertyValue {
        switch self {
        case .text(let text): .string(text)
        case .integer(let number, _): .integer(number)
        }
    }
}
