// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHistory
import BelfryIO
public import Foundation
import Logging

extension ChatBox {
    /// A pair of clients that belong together, one of each service, with a uid of its own.
    ///
    /// It outlasts its activity: the history can be read as long as the box is open.
    public final class Connection: Sendable {
        /// The pair's uid; all pairs that one run of the original made share theirs.
        public let uid: UUID
        /// Service 1's id.
        public let service1ID: ID1
        /// Service 2's id.
        public let service2ID: ID2
        /// The row of `client`.
        let row: Int64
        let database: PairDatabase
        private let maxPropertyBytes: Int
        private let properties: Lock<[PropertyValue: PropertyValue]>

        init(
            _ row: PairRow,
            _ database: PairDatabase,
            maxPropertyBytes: Int,
            logger: Logger
        ) throws(ChatBoxError) {
            guard let service1ID = ID1(serviceText: row.service1), let service2ID = ID2(serviceText: row.service2)
            else { throw ChatBoxError(.badID, "row \(row.id) of 'client' has an id that can't be read") }
            if let uid = UUID(serviceText: row.uid) {
                self.uid = uid
            } else {
                logger.warning("A pair's uid can't be read: it gets a new one for now", metadata: ["row": "\(row.id)"])
                uid = UUID()
            }
            self.service1ID = service1ID
            self.service2ID = service2ID
            self.row = row.id
            self.database = database
            self.maxPropertyBytes = maxPropertyBytes
            // What is no dictionary of plain values is left alone, and replaced when properties are saved.
            let dictionary: [PropertyValue: PropertyValue] =
                if case .dictionary(let entries)? = PickleReader.value(of: row.properties) { entries } else { [:] }
            properties = Lock(dictionary)
        }

        // MARK: Properties

        /// A property, in memory; ``saveProperties()`` stores them.
        public subscript(key: String) -> PropertyValue? {
            get { properties.withLock { $0[.text(key)] } }
            set { properties.withLock { $0[.text(key)] = newValue } }
        }

        /// All properties.
        public var items: [PropertyValue: PropertyValue] { properties.withLock { $0 } }

        /// The properties as a pickle of protocol 4; nil when they nest too deeply, or a list is a key.
        public func pickledProperties() -> [UInt8]? { PickleWriter.pickle(.dictionary(items)) }

        /// Stores the properties with the pair.
        ///
        /// - Throws: ``ChatBoxError`` `.tooLarge` beyond `maxPropertyBytes` or 64 levels, `.storage`.
        public func saveProperties() async throws(ChatBoxError) {
            guard let bytes = pickledProperties(), bytes.count <= maxPropertyBytes else {
                throw ChatBoxError(.tooLarge, "properties have \(maxPropertyBytes) bytes at most, in 64 levels")
            }
            do {
                try await database.setProperties(bytes, of: row)
            } catch {
                throw ChatBoxError(.storage, "the properties can't be stored", cause: error)
            }
        }

        // MARK: History

        /// How many messages the history holds, as they stand there.
        ///
        /// - Throws: ``ChatBoxError`` `.storage`.
        public func savedMessageCount() async throws(ChatBoxError) -> Int {
            do {
                return try await database.count(of: row)
            } catch {
                throw ChatBoxError(.storage, "the history can't be read", cause: error)
            }
        }

        /// A page of what was said, oldest first: the newest messages, or the newest before one of them.
        ///
        /// - Parameters:
        ///   - message: Where the page ends, the first of the page behind it; nil for the end of the history.
        ///   - limit: Messages at most; 0 or less gives none, more than 10,000 counts as 10,000.
        ///   - collapsingDoubles: Shows once what files of the original have twice in a row: messages of service 2.
        /// - Throws: ``ChatBoxError`` `.storage`.
        public func history(
            before message: Message? = nil,
            limit: Int = 100,
            collapsingDoubles: Bool = false
        ) async throws(ChatBoxError) -> [Message] {
            let limit = min(max(0, limit), 10_000)
            let rows: [PairMessageRow]
            do {
                // In twice as many rows there are as many messages, each with its double.
                let count = collapsingDoubles ? limit * 2 + 1 : limit
                rows = try await database.history(of: row, before: message?.number, limit: count)
            } catch {
                throw ChatBoxError(.storage, "the history can't be read", cause: error)
            }
            let kept = collapsingDoubles ? Self.collapse(rows).suffix(limit) : rows[...]
            return kept.compactMap { row in
                guard let sentBy = SentBy(rawValue: Int(clamping: row.sentBy)) else { return nil }
                return Message(
                    connection: self,
                    sentBy: sentBy,
                    content: row.content,
                    createdAt: row.createdAt.flatMap(TimeText.date) ?? Date(timeIntervalSince1970: 0),
                    number: row.id
                )
            }
        }

        /// Without the second of two equal neighbours; from the newest on, since the page may begin between two.
        private static func collapse(_ rows: [PairMessageRow]) -> [PairMessageRow] {
            var kept: [PairMessageRow] = []
            var index = rows.count - 1
            while index >= 0 {
                let row = rows[index]
                if index > 0, row.isDouble(of: rows[index - 1]) { index -= 1 }
                kept.append(rows[index])
                index -= 1
            }
            return kept.reversed()
        }
    }
}

extension PairMessageRow {
    /// Whether the original may have written one message as this row and the one before.
    fileprivate func isDouble(of other: PairMessageRow) -> Bool {
        sentBy == 1 && other.sentBy == 1 && createdAt == other.createdAt
            && content.utf8.elementsEqual(other.content.utf8)
    }
}
