// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Foundation

extension ChatBox {
    /// A text that one client of a pair said.
    public struct Message: Sendable {
        /// The pair.
        public let connection: Connection
        /// Which service's client said it.
        public let sentBy: SentBy
        /// The text; may be empty.
        public let content: String
        /// When it was said; to the second once it is stored.
        ///
        /// 1970 where the database has no readable time.
        public let createdAt: Date
        /// Its number in the database, by which messages are in order; nil before it is stored.
        public let number: Int64?
        /// What passed it on from elsewhere, so that it does not pass it back; 0 for none.
        var origin: UInt64 = 0

        /// Makes a message, for ``ServiceWorker/sendQueue`` or ``ServiceWorker/send(_:)``.
        public init(connection: Connection, sentBy: SentBy, content: String, createdAt: Date = Date()) {
            self.init(connection: connection, sentBy: sentBy, content: content, createdAt: createdAt, number: nil)
        }

        init(connection: Connection, sentBy: SentBy, content: String, createdAt: Date, number: Int64?) {
            self.connection = connection
            self.sentBy = sentBy
            self.content = content
            self.createdAt = createdAt
            self.number = number
        }

        /// The same with its number.
        func stored(as number: Int64) -> Message {
            var message = Message(
                connection: connection,
                sentBy: sentBy,
                content: content,
                createdAt: createdAt,
                number: number
            )
            message.origin = origin
            return message
        }

        /// The pair's uid.
        public var uid: UUID { connection.uid }
        /// The id of service 1's client.
        public var service1ID: ID1 { connection.service1ID }
        /// The id of service 2's client.
        public var service2ID: ID2 { connection.service2ID }

        /// The id of a service's client.
        public func id(of service: SentBy) -> any ServiceID { service == .service1 ? service1ID : service2ID }

        /// A property of the pair.
        public subscript(key: String) -> PropertyValue? { connection[key] }
    }
}
