// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A row of `client`: two services' ids that belong together.
package struct PairRow: Sendable, Hashable {
    /// `client.id`.
    package let id: Int64
    /// `client.uid`, as it stands there; several rows of the original's files share one.
    package let uid: String
    /// `client.service1_id`.
    package let service1: String
    /// `client.service2_id`.
    package let service2: String
    /// `client.properties`.
    package let properties: [UInt8]
}

/// A row of `history`.
package struct PairMessageRow: Sendable, Hashable {
    /// `history.id`, by which messages are in order.
    package let id: Int64
    /// `history.created_at`, as it stands there; nil for NULL.
    package let createdAt: String?
    /// `history.content`; what is not UTF-8 is repaired.
    package let content: String
    /// `history.sent_by`: 0 for service 1, 1 for service 2.
    package let sentBy: Int64
}

/// A row that is to be added to `history`.
package struct NewPairMessage: Sendable, Hashable {
    /// `history.client_id`: a ``PairRow/id``.
    package let pair: Int64
    /// `YYYY-MM-DD HH:MM:SS`, UTC: the only form that the original reads.
    package let createdAt: String
    /// The text.
    package let content: String
    /// 0 for service 1, 1 for service 2.
    package let sentBy: Int64

    /// A row.
    package init(pair: Int64, createdAt: String, content: String, sentBy: Int64) {
        self.pair = pair
        self.createdAt = createdAt
        self.content = content
        self.sentBy = sentBy
    }
}

/// One of the two columns of ids.
package enum PairSide: Sendable, Hashable {
    case service1, service2

    var column: String {
        switch self {
        case .service1: "service1_id"
        case .service2: "service2_id"
        }
    }
}
