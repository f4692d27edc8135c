// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Testing

/// A backend and a number of loops to test with.
struct Setup: CustomTestStringConvertible, CustomStringConvertible, Sendable {
    let backend: BackendKind
    let loops: Int

    /// The backends that this machine has: io_uring is asked for, and left out where the kernel refuses it.
    static let backends: [BackendKind] = {
        guard (try? BackendSelection(.uring)) != nil else { return [.epoll] }
        return [.epoll, .uring]
    }()

    /// Every backend with each of these numbers of loops.
    static func all(loops: [Int]) -> [Setup] {
        backends.flatMap { backend in loops.map { Setup(backend: backend, loops: $0) } }
    }

    var description: String { "\(backend), \(loops) loop\(loops == 1 ? "" : "s")" }
    var testDescription: String { description }
}
