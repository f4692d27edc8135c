// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
import BelfryJSON

extension PocketsocketClient {
    /// Something that a server or another client said, or that happened to a connection.
    public struct Event: Sendable {
        /// Where an event comes from.
        public enum Origin: Sendable, Hashable {
            /// From this client itself: `connecting`, `open`, `close`, `error`, `reconnect` of the channel `socket`.
            case local
            /// An object with the key `socket`, as servers make them; an original server forwards those of clients too.
            case server
            /// A client's message `channel.event`.
            case client
            /// Any other text, or bytes: the event `message` of the channel `socket`.
            case other
        }

        /// The server through which it came.
        public let server: Address
        /// Where it comes from.
        public let origin: Origin
        /// The channel.
        public let channel: String
        /// The event's name; empty for a client's message without a dot.
        public let name: String
        /// A client's message as it is written, as in `channel.event`; empty for what is none.
        public let message: String
        /// The message's id as a text, or the JSON of an id that is none; nil without an id.
        public let id: String?
        /// All that came: a JSON object, a text that is not one, or bytes; an object too for a local event.
        public let body: Payload
        /// The message's place in the server's order; nil from a server that does not say.
        public let offset: UInt64?
        /// What went wrong, for a local `error`.
        public let error: PocketsocketClientError?
        private let dataRange: Range<Int>?

        /// A client's `data`, `{}` where it is missing; of all other events the whole ``body``.
        public var data: Payload {
            guard origin == .client else { return body }
            guard let dataRange else { return .json("{}") }
            return Payload(.json, bytes: Array(body.bytes[dataRange]))
        }

        /// The data as a text: a JSON string decoded, anything else as it is written.
        public var text: String {
            let data = data
            guard data.kind == .json, let value = try? JSONScanner.validate(data.bytes.span) else { return data.text }
            return value.kind == .string ? value.looseText(in: data.bytes.span) : data.text
        }

        /// A server's receipt, for the event `sent`; nil for other events.
        public var receipt: Receipt? {
            guard origin == .server, name == "sent" else { return nil }
            return Receipt(body.bytes, from: server)
        }

        /// Something that happened here.
        init(local name: String, _ json: String, of server: Address, error: PocketsocketClientError? = nil) {
            self.server = server
            origin = .local
            channel = Self.coreChannel
            self.name = name
            message = ""
            id = nil
            body = .json(json)
            self.error = error
            offset = nil
            dataRange = nil
        }

        /// What a received message stands for (Pocketsocket, §4.5).
        init(received payload: Payload, from server: Address) {
            self.server = server
            error = nil
            let found = payload.kind == .binary ? nil : PocketsocketMembers(payload.bytes.span)
            body = found == nil ? payload : Payload(.json, bytes: payload.bytes)
            let members = found ?? PocketsocketMembers()
            offset = members.offset.flatMap { UInt64($0.looseText(in: payload.bytes.span)) }
            id = members.id?.looseText(in: payload.bytes.span)
            if let core = members.socket {
                dataRange = nil
                message = ""
                channel = Self.coreChannel
                let name = core.kind == .string ? core.text.string(in: payload.bytes.span) : nil
                origin = name == nil ? .other : .server
                self.name = Self.remote(name ?? Self.unnamed, on: Self.coreChannel)
            } else if let text = members.message, text.kind == .string {
                origin = .client
                dataRange = members.data?.range
                message = text.text.string(in: payload.bytes.span)
                // Parts behind the second are nobody's.
                let parts = message.utf8.split(separator: 0x2E, maxSplits: 2, omittingEmptySubsequences: false)
                let channel = parts.first.map { String(Substring($0)) } ?? ""
                self.channel = channel
                name = Self.remote(parts.count > 1 ? String(Substring(parts[1])) : "", on: channel)
            } else {
                origin = .other
                dataRange = nil
                message = ""
                channel = Self.coreChannel
                name = Self.unnamed
            }
        }

        /// Where the client begins, as the server says it.
        var resumption: ResumeRequest? {
            guard origin == .server, name == "resume", let members = PocketsocketMembers(body.bytes.span),
                let epoch = members.epoch.flatMap({ UInt64($0.looseText(in: body.bytes.span), radix: 16) }),
                let next = members.start.flatMap({ UInt64($0.looseText(in: body.bytes.span)) })
            else { return nil }
            let session = members.session.flatMap { UInt64($0.looseText(in: body.bytes.span), radix: 16) }
            let position = RoomPosition(epoch: epoch, offset: next)
            return ResumeRequest(next: position, session: session.map(SessionID.init))
        }

        static let coreChannel = "socket"
        private static let unnamed = "message"

        /// What only this client can know of, nobody else may seem to say.
        private static func remote(_ name: String, on channel: String) -> String {
            guard channel == coreChannel else { return name }
            switch name {
            case "connecting", "open", "close", "error": return unnamed
            default: return name
            }
        }
    }

    /// A server's word that it has taken a message.
    public struct Receipt: Sendable, Hashable {
        /// Which server.
        public let server: Address
        /// The id of the message; the length of a text without one, as a number.
        public let messageID: String
        /// When, as the server writes its local time: `2026-11-21 09:59:23.539484`.
        public let time: String
        /// What the server took the message for: `json` or `string`.
        public let attribute: String

        init?(_ bytes: [UInt8], from server: Address) {
            guard let members = PocketsocketMembers(bytes.span), let id = members.messageID else { return nil }
            self.server = server
            messageID = id.looseText(in: bytes.span)
            time = members.time?.looseText(in: bytes.span) ?? ""
            attribute = members.attribute?.looseText(in: bytes.span) ?? ""
        }
    }

    /// The id of a message that was sent: each server gets its own.
    public struct MessageID: Sendable, Hashable, CustomStringConvertible {
        /// The id, as in `0.lchkqdo`.
        public let text: String
        /// To which server the message went.
        public let server: Address

        /// The id.
        public var description: String { text }
    }
}
