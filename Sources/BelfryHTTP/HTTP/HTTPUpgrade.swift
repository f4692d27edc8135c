// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import Belfry
package import HTTPTypes

/// Takes connections over to another protocol (RFC 9110, §7.8), as WebSocket does.
///
/// A router has one for a path. It is asked on the connection's loop about `GET` requests without a body whose
/// `Connection` names `upgrade`; everything else on the path goes to the route's plain handler, or is answered by
/// `426 Upgrade Required` where there is none.
package protocol HTTPUpgrade: Sendable {
    /// The protocol's name, for the `Upgrade` field of `101` and `426`, as in `websocket`.
    var protocolName: String { get }

    /// Decides on a request.
    ///
    /// It must not send anything on the connection itself; the new handler may, from `opened` on.
    func upgrade(_ request: Request, on connection: Connection) -> HTTPUpgradeDecision
}

/// What becomes of a request to upgrade.
package enum HTTPUpgradeDecision {
    /// Switches.
    ///
    /// The server sends `101 Switching Protocols` with `Connection`, `Upgrade` and these fields, makes the
    /// handler the connection's, and calls its `opened()`, then, if there are any, `received` with the bytes that
    /// came behind the head.
    case accept(HTTPFields, any ConnectionHandler)
    /// Answers with this instead; the connection goes on as HTTP, unless `closes` is set.
    case refuse(Response)
}
