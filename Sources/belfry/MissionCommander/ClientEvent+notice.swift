// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryMissionCommander

extension ClientEvent {
    /// What a person at a terminal wants to know at once; nil for what was asked for anyway.
    var notice: String? {
        switch self {
        case .message(let message): "Received message \(ShellWords.quote(message.subject)) \(message.payload.excerpt)"
        case .serverShutdown: "The server has stopped"
        case .reconnect: "Reconnected"
        case .stateChange(let change) where change.from.contains(.connected) && change.to.contains(.reconnecting):
            "The connection is lost, and tried again"
        case .connect, .disconnect, .stateChange: nil
        }
    }
}

extension Payload {
    /// As much of it as a few rows of a terminal hold.
    fileprivate var excerpt: String {
        let limit = 1_000
        guard bytes.count > limit else { return text }
        return String(decoding: bytes.prefix(limit), as: UTF8.self) + "… (\(bytes.count) bytes)"
    }
}
