// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What can go wrong with a pair database.
package enum PairDatabaseError: Error, Sendable, CustomStringConvertible {
    /// An id of a new pair is in another pair already.
    case idInUse(PairSide)
    /// SQLite's words.
    case storage(String)

    init(_ error: any Error) {
        self = error as? PairDatabaseError ?? .storage("\(error)")
    }

    /// One line for a person.
    package var description: String {
        switch self {
        case .idInUse(let side): "the id is in use (\(side.column))"
        case .storage(let message): message
        }
    }
}
