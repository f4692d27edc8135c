// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a responder says to a request.
package enum Reply {
    /// The answer.
    case now(Response)
    /// The answer comes later.
    case later(any HeldRequest)
}

/// A request whose answer comes later, as in long polling.
///
/// Loop-confined to the connection's loop. The connection is held meanwhile: nothing behind the request is read. No
/// timeout of the server's ends it, so it has to have one of its own.
package protocol HeldRequest: AnyObject {
    /// The request is held from now on: `answer` may be called once, even before this returns.
    func begin(_ answer: @escaping (Response) -> Void)
    /// The client has gone, or the server drains: if there is to be an answer, it has to be given now.
    func release()
}
