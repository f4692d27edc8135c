// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHistory

/// One of a box's two services, as the sender of a message; the raw value is the database's.
public enum SentBy: Int, Sendable, Hashable, CaseIterable {
    /// Service 1.
    case service1 = 0
    /// Service 2.
    case service2 = 1

    /// The service on the other side.
    public var other: SentBy { self == .service1 ? .service2 : .service1 }

    var side: PairSide { self == .service1 ? .service1 : .service2 }
}
