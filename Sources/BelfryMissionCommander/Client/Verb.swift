// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The name of a client's event; its raw value is the normalised spelling (MissionCommander wire, §5.4).
public enum Verb: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// The first connection stands.
    case connect
    /// A manual disconnect begins.
    case disconnect
    /// A link that was broken stands again.
    case reconnect
    /// A message came.
    case message
    /// The server said that it stops.
    case serverShutdown = "servershutdown"
    /// The client's state changed.
    case stateChange = "statechange"

    /// Reads any spelling: case, `-` and `_` don't matter, nor does one `on` in front, as in `onServer_Shutdown`.
    ///
    /// nil for the name of no event.
    public init?(spelling: String) {
        var word = spelling.lowercased().filter { $0 != "-" && $0 != "_" }
        if word.hasPrefix("on") { word.removeFirst(2) }
        self.init(rawValue: word)
    }

    /// The normalised spelling.
    public var description: String { rawValue }
}
