// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import GRDB

/// Brings what the log (`-wal`) has into the file, beside the writing: a commit that did it would wait for the disk
/// several times as long as for itself.
final class HistoryCheckpointer: Sendable {
    private struct State {
        /// Written since the last one began, about.
        var pages = 0
        var isRunning = false
        var isLong = false
    }

    private let queue: DatabaseQueue
    private let state = Lock(State())

    /// Pages from one to the next.
    private static let interval = 1_000
    /// Pages of the log from which on it is to begin anew, which it can only while nothing is written.
    ///
    /// Not many more: a commit into a log that has had its length before is faster than one that makes it longer.
    private static let longest = 4_096

    init(path: String, configuration: GRDB.Configuration) throws {
        queue = try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Notes that so many pages, about, were committed; begins a checkpoint if it is time.
    ///
    /// - Returns: Whether the writer is to do the rest of one itself, for the log to begin anew.
    func committed(pages: Int) -> Bool {
        let (begins, isLong) = state.withLock { state -> (Bool, Bool) in
            state.pages += pages
            guard !state.isRunning, state.pages >= Self.interval || state.isLong else { return (false, false) }
            defer { (state.isLong, state.pages) = (false, 0) }
            state.isRunning = !state.isLong
            return (!state.isLong, state.isLong)
        }
        if begins {
            queue.asyncWriteWithoutTransaction { [self] db in
                // One that fails is tried again with the next pages; the log has everything meanwhile.
                let log = try? db.checkpoint(.passive).walFrameCount
                state.withLock { state in
                    state.isRunning = false
                    state.isLong = (log ?? 0) > Self.longest
                }
            }
        }
        return isLong
    }

    /// Ends it, once what it does is done.
    func close() { try? queue.close() }
}
