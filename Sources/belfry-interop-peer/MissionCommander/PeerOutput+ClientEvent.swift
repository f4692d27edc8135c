// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryMissionCommander

extension PeerOutput {
    /// Tells that a callback of the client `name` fired.
    func event(_ event: ClientEvent, of name: String) {
        var members: [(String, Payload)] = [
            ("event", .string("mc.client")), ("name", .string(name)), ("verb", .string(event.verb.rawValue)),
        ]
        switch event {
        case .connect, .disconnect, .serverShutdown: break
        case .reconnect(let id): members.append(("client_id", .string(id)))
        case .message(let message):
            // As it came over the wire: nothing of it may change on the way to the driver.
            members += [("subject", .string(message.subject)), ("payload", message.payload)]
        case .stateChange(let transition):
            members += [
                ("from", .json("\(transition.from.rawValue)")), ("to", .json("\(transition.to.rawValue)")),
            ]
        }
        write(members)
    }
}
