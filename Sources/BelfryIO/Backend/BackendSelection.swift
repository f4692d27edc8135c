// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The backend that a choice came to, and the reason.
public struct BackendSelection: Sendable, Hashable {
    /// The engine in use.
    public let backend: BackendKind
    /// One phrase for a person, as in `chosen by configuration` or the kernel's words for refusing.
    public let reason: String
    /// What the kernel offers it.
    public let features: [String]
    /// Whether `.automatic` wanted io_uring and could not have it.
    public let isFallback: Bool

    /// Probes the kernel.
    ///
    /// - Throws: ``IOError`` `.unavailable` when an explicit `.uring` cannot be had.
    public init(_ choice: IOChoice) throws(IOError) { try self.init(choice, uring: Self.probeUring()) }

    /// Chooses by the outcome of a probe; a test forces the outcome.
    init(_ choice: IOChoice, uring: Result<IOCapabilities, IOError>) throws(IOError) {
        switch (choice, uring) {
        case (.epoll, _):
            self.init(.epoll, "chosen by configuration", ["edge-triggered"])
        case (.simulated, _):
            self.init(.simulated, "chosen by configuration", [])
        case (.uring, .success(let found)):
            self.init(.uring, "chosen by configuration", found.features)
        case (.uring, .failure(let error)):
            throw IOError(.unavailable, "io_uring was asked for but cannot be had: \(error.message)")
        case (.automatic, .success(let found)):
            self.init(.uring, "the kernel has all that it needs", found.features)
        case (.automatic, .failure(let error)):
            self.init(fallbackBecause: error)
        }
    }

    init(fallbackBecause error: IOError) {
        self.init(.epoll, error.message, ["edge-triggered"], isFallback: true)
    }

    private init(_ backend: BackendKind, _ reason: String, _ features: [String], isFallback: Bool = false) {
        self.backend = backend
        self.reason = reason
        self.features = features
        self.isFallback = isFallback
    }

    static func probeUring() -> Result<IOCapabilities, IOError> {
        #if Uring
        UringBackend.probe()
        #else
        .failure(IOError(.unavailable, "this build has no io_uring (package trait Uring)"))
        #endif
    }
}
