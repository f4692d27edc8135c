// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What went wrong below the message layer: a socket, a name, a kernel that refuses.
public struct IOError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure; new ones may be added, so a switch needs a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case unavailable, addressInUse, badAddress, unreachable, refused, reset, timedOut, nameNotResolved
            case tooManyDescriptors, outOfMemory, closed, notPermitted, system
        }

        private let kind: Kind

        /// The backend that was asked for cannot run on this kernel.
        public static let unavailable = Code(kind: .unavailable)
        /// Another program (or this one) already listens there.
        public static let addressInUse = Code(kind: .addressInUse)
        /// The address cannot be parsed, or is not of this machine.
        public static let badAddress = Code(kind: .badAddress)
        /// No route to the peer.
        public static let unreachable = Code(kind: .unreachable)
        /// Nobody listens at the peer's address.
        public static let refused = Code(kind: .refused)
        /// The peer broke the connection off.
        public static let reset = Code(kind: .reset)
        /// The operation did not end within its time.
        public static let timedOut = Code(kind: .timedOut)
        /// A host name has no address.
        public static let nameNotResolved = Code(kind: .nameNotResolved)
        /// The process or the machine has no descriptors left.
        public static let tooManyDescriptors = Code(kind: .tooManyDescriptors)
        /// The kernel could not find, or may not lock, the memory.
        public static let outOfMemory = Code(kind: .outOfMemory)
        /// The handle or the loop is closed.
        public static let closed = Code(kind: .closed)
        /// The operating system forbids it to this user.
        public static let notPermitted = Code(kind: .notPermitted)
        /// Any other answer of the operating system; the message has its words.
        public static let system = Code(kind: .system)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// One sentence for a person.
    public let message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
