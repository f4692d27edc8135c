// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryJSON

/// What the shell of a server connection is to do after an input to `NucosConnectionMachine`.
package enum NucosAction: Equatable, Sendable {
    /// Nothing.
    case ignore
    /// Skip the message, with a log line.
    case drop(NucosDrop)
    /// Write these bytes.
    case send([UInt8])
    /// Ask the application for a challenge, then call `challengeReady`; hold the decoder until then.
    case askChallenge(uid: String)
    /// Let the application check the signature, then call `verified`; hold the decoder until then.
    case verify(uid: String, signature: [UInt8], challenge: [UInt8])
    /// The connection is open: register the uid (nil without authentication) and its private room, write the bytes
    /// (empty without authentication), then what was queued for it meanwhile.
    case opened(uid: String?, send: [UInt8])
    /// Join the room that the frame's content names.
    case subscribe(room: JSONText)
    /// Forward the frame's bytes, unchanged, to the members of the frame's room, if this connection is one.
    case publish(room: JSONText)
    /// Hand the frame's event and content to the server's application.
    case event
    /// A `pong` came: whoever waits for one may go on.
    case pong
    /// Write the bytes, if any, and close when they are out.
    case close(send: [UInt8]?, reason: NucosCloseReason)
}

/// Why a message was skipped.
package enum NucosDrop: String, Sendable {
    case roomNotString = "the room to subscribe to is no text, or an empty one"
    case controlEventInRoom = "an event that commands clients may not be published into a room"
    case unknownShutdown = "a shutdown is neither now nor confirmed"
    case closing = "the connection is closing"
    case notReady = "the application has not answered yet"
}

/// Why a connection is closed.
package enum NucosCloseReason: String, Sendable {
    case uidRefused = "the uid is no text, empty or 'anonymous'"
    case unexpectedAnswer = "the challenge was answered with another event than signature"
    case authenticationFailed = "the application refused the client"
    case handshakeTimedOut = "the client did not answer in time during the handshake"
    case idle = "nothing came from the client for too long"
    case peerAnnounced = "the client said shutdown now"
    case serverClosed = "the server closed, the client confirmed"
    case closeTimedOut = "the server closed, the client did not confirm in time"
    case peerClosed = "the stream ended"
}

/// The timer that a server connection needs at the moment.
package enum NucosTimeout: Sendable {
    /// Armed once when it appears: then `stepTimedOut`.
    case step
    /// Put off by every byte that arrives: when it runs out, `idleTimedOut`.
    case idle
    /// Armed once when it appears: then `closeTimedOut`.
    case close

    /// What the wire's specification suggests (§4 and §6).
    package var suggested: Duration {
        switch self {
        case .step: .seconds(5)
        case .idle: .seconds(300)
        case .close: .seconds(1)
        }
    }
}
