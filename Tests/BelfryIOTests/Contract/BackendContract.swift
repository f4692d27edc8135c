// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Testing

/// What every backend has to do, each test on each backend.
///
/// One at a time: each has its loop's thread, and hundreds of those at once would fight for a small machine's cores.
@Suite("Backend contract", .serialized, .timeLimit(.minutes(3)))
struct BackendContract {
    /// Cancels a test of a backend that this kernel refuses; with a backend that it has this does nothing.
    static func require(_ backend: BackendKind) throws {
        guard backend == .uring else { return }
        do {
            _ = try BackendSelection(.uring)
        } catch {
            try Test.cancel("\(error.message)")
        }
    }
}
