// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO

extension BackendKind {
    /// The kernel's backends that this machine can run.
    public static var testable: [BackendKind] {
        [BackendKind.epoll, .uring].filter { (try? BackendSelection($0.choice)) != nil }
    }

    /// The choice that asks for exactly this backend.
    public var choice: IOChoice {
        switch self {
        case .epoll: .epoll
        case .uring: .uring
        case .simulated: .simulated(seed: 1)
        }
    }
}

/// A backend and a number of loops, to run a test with.
public struct LoopSetup: Sendable, CustomStringConvertible {
    /// The engine.
    public let backend: BackendKind
    /// How many loops.
    public let loops: Int

    /// Makes a set-up.
    public init(_ backend: BackendKind, loops: Int) {
        self.backend = backend
        self.loops = loops
    }

    /// Every backend of this machine with 1, 2 and 4 loops.
    public static var all: [LoopSetup] {
        BackendKind.testable.flatMap { backend in [1, 2, 4].map { LoopSetup(backend, loops: $0) } }
    }

    /// The backend and the number of loops.
    public var description: String { "\(backend) × \(loops)" }
}
