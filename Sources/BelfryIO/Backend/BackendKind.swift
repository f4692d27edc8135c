// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The I/O engines.
public enum BackendKind: String, Sendable, Hashable, Codable, CaseIterable, CustomStringConvertible {
    /// Linux epoll, edge-triggered. Runs everywhere.
    case epoll
    /// Linux io_uring, from kernel 6.0.
    case uring
    /// In memory with a virtual clock, for tests.
    case simulated

    /// The name used on the command line.
    public var description: String { rawValue }
}

/// Which backend a user wants: the one word of the configuration.
public enum IOChoice: Sendable, Hashable, CustomStringConvertible {
    /// io_uring where the kernel allows it, else epoll, with one log line that says why.
    case automatic
    /// epoll.
    case epoll
    /// io_uring; an error where it cannot be had, never a silent fallback.
    case uring
    /// In memory under a seed, for tests.
    case simulated(seed: UInt64)

    /// Reads `auto`, `automatic`, `epoll` or `uring`, as `--io` and `BELFRY_IO` spell them; nil for anything else.
    public init?(_ text: String) {
        switch text.lowercased() {
        case "auto", "automatic": self = .automatic
        case "epoll": self = .epoll
        case "uring", "io_uring": self = .uring
        default: return nil
        }
    }

    /// The word that `init(_:)` reads.
    public var description: String {
        switch self {
        case .automatic: "auto"
        case .epoll: "epoll"
        case .uring: "uring"
        case .simulated(let seed): "simulated(\(seed))"
        }
    }
}

/// What a kernel offers a backend.
public struct IOCapabilities: Sendable, Hashable {
    /// The backend.
    public let backend: BackendKind
    /// Optional features that were found, by name, as in `multishot receive`.
    public let features: [String]

    package init(backend: BackendKind, features: [String]) {
        self.backend = backend
        self.features = features
    }
}

/// Sizes that a backend works with.
public struct IOOptions: Sendable, Hashable {
    /// Bytes of one receive buffer; one system call reads at most this much.
    ///
    /// Memory is used only as far as something was ever received into it.
    public var receiveBufferBytes = 128 * 1024
    /// Receive buffers of a loop, shared by all its connections; at most 32,768.
    public var receiveBuffers = 128
    /// Bytes read from one connection in one turn before the others get theirs.
    public var maxReceiveBytesPerTurn = 256 * 1024
    /// Connections accepted from one listener in one turn.
    public var maxAcceptsPerTurn = 128
    /// Submission queue entries of io_uring; halved while the kernel refuses the memory.
    public var submissionEntries = 1024
    /// Seed of the simulated backend.
    public var seed: UInt64 = 0
    /// The shares, from 0 to 1, of simulated operations that fail or come up short.
    public var simulatedFaults = SimulatedFaults()

    /// Makes options with the defaults stated above.
    public init() {}
}

/// How ill-behaved the simulated network is; every share is between 0 and 1.
public struct SimulatedFaults: Sendable, Hashable {
    /// Receives that deliver only part of what is there.
    public var shortReceives = 0.0
    /// Sends of which only a part is taken at first.
    public var shortSends = 0.0
    /// Sends upon which the connection is reset.
    public var resets = 0.0
    /// Receives that find no buffer.
    public var bufferExhaustion = 0.0
    /// Sockets that may be open at once, as RLIMIT_NOFILE limits them elsewhere.
    public var maxDescriptors = Int.max

    /// Makes a well-behaved network.
    public init() {}
}
