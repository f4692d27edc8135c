// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

/// What a client said to the server.
public struct WatchboxMessage: Sendable {
    /// The value, a JSON text.
    public let message: Payload
    private let id: ClientID
    private let shared: WatchboxShared

    init(_ json: [UInt8], from id: ClientID, _ shared: WatchboxShared) {
        message = Payload(.json, bytes: json)
        self.id = id
        self.shared = shared
    }

    /// The client: 32 hexadecimal digits.
    ///
    /// Who knows them can speak for the client, so they are not for others.
    public var uid: String { id.description }

    /// The same, as the original names it.
    public var client: String { uid }

    /// Sends a value to this client alone; it gets it once it has joined the group `server`.
    ///
    /// - Parameters:
    ///   - value: What it gets: JSON as it is, a text as a string, bytes as base64.
    ///   - force: Goes past ``WatchboxSettings/listLimit``; `maxReplyBytes` holds all the same.
    /// - Returns: false, with a line in the log, when the client has gone, too much waits for it, or `value` calls itself
    ///   JSON and is none.
    @discardableResult
    public func reply(_ value: Payload, force: Bool = false) -> Bool {
        guard let json = MessageText.json(value) else {
            shared.log.failure("a reply that is no JSON was left out")
            return false
        }
        return shared.reply(json, to: id, force: force)
    }
}

/// A client that has become a member of a group.
public struct WatchboxJoin: Sendable, Hashable {
    /// The client: 32 hexadecimal digits.
    public let uid: String
    /// The group.
    public let group: String
}
