// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Why a history file can't be used, or not now.
enum HistoryFault: Error, CustomStringConvertible {
    /// A database of another program.
    case foreign
    /// A newer program has written it.
    case newer(Int64)
    /// Another broker has begun to write it.
    case takenOver
    /// What SQLite says.
    case database(DatabaseError)
    /// The history has been closed.
    case closed
    /// Something else.
    case other(String)

    init(_ error: any Error) {
        self =
            switch error {
            case let fault as HistoryFault: fault
            case let error as DatabaseError: .database(error)
            default: .other("\(error)")
            }
    }

    /// Whether trying again is of no use as long as the program runs.
    var isFinal: Bool {
        if case .takenOver = self { true } else { false }
    }

    var description: String {
        switch self {
        case .foreign: "the file is a database of another program"
        case .newer(let version):
            "the file has schema version \(version), newer than this program's \(HistorySchema.version)"
        case .takenOver: "another process has begun to write the file"
        case .closed: "the history is closed"
        case .other(let text): text
        case .database(let error): Self.describe(error)
        }
    }

    private static func describe(_ error: DatabaseError) -> String {
        let what =
            switch error.resultCode {
            case .SQLITE_FULL: "the disk, or the file's limit, is full"
            case .SQLITE_BUSY, .SQLITE_LOCKED: "the database is locked by another process"
            case .SQLITE_READONLY, .SQLITE_PERM: "the file can't be written"
            case .SQLITE_CANTOPEN: "the file can't be opened"
            case .SQLITE_CORRUPT: "the database is damaged"
            case .SQLITE_NOTADB: "the file is no SQLite database"
            case .SQLITE_IOERR: "the disk fails"
            default: "SQLite fails"
            }
        return "\(what) (SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "no message"))"
    }
}
