// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A change of a client's state (MissionCommander wire, §5.1).
public struct ClientStateTransition: Sendable, Hashable {
    /// The state before.
    public let from: ClientState
    /// The state since; never the same.
    public let to: ClientState

    /// Makes a transition.
    public init(from: ClientState, to: ClientState) {
        self.from = from
        self.to = to
    }
}

extension ClientStateTransition: CustomStringConvertible, CustomDebugStringConvertible {
    /// `Changing client state from STATE_… to STATE_…`, the original's text.
    public var description: String { "Changing client state from \(from) to \(to)" }

    /// `<ClientStateTransition from=8 to=18>`.
    public var debugDescription: String { "<ClientStateTransition from=\(from.rawValue) to=\(to.rawValue)>" }
}
