// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
import BelfryJSON

extension WatchboxClient {
    /// A message of a group.
    public struct Message: Sendable, Hashable {
        /// The group.
        public let group: String
        /// What was published: valid JSON, as the publisher wrote it.
        public let json: Payload

        /// A JSON string decoded, anything else as it is written.
        public var text: String {
            guard let value = try? JSONScanner.validate(json.bytes.span) else { return json.text }
            return value.text.string(in: json.bytes.span)
        }
    }

    /// What became of a message to the server.
    public enum Answer: Sendable, Hashable {
        /// The server's application has it.
        case taken
        /// The server has no application that takes messages.
        case noHandler
        /// The server refuses it.
        case refused
    }

    /// What happens between client and server.
    public enum Event: Sendable {
        /// The server knows the client, for the first time.
        case registered
        /// The server is away, or has forgotten the client; told once until `reconnected`.
        case disconnected(WatchboxClientError)
        /// The server knows the client again; the groups are being joined again.
        case reconnected
        /// Messages of a group were lost while the client was away, so many; nil where nobody knows.
        case gap(group: String, lost: Int?)
        /// Something came for a group that is no message, and is lost.
        case messageLost(group: String, WatchboxClientError)
    }
}
