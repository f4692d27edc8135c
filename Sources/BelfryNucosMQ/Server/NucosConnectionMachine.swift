// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// The server's side of one nucosMQ connection as a value: inputs in, one action out, no I/O, clock or logger.
///
/// The shell performs the action before the next input, and after each input compares `timeout` with the timer it has
/// armed. The rules are those of the nucosMQ wire, §3 to §6, for a server of ours.
package struct NucosConnectionMachine: ~Copyable {
    private enum State {
        case accepted(authenticates: Bool)
        case awaitingUID
        case awaitingChallenge(uid: String)
        case awaitingSignature(uid: String, challenge: [UInt8])
        case verifying(uid: String)
        case open(uid: String?)
        case closing(uid: String?)
        case closed(uid: String?)
    }

    private var state: State

    /// A connection that has not been accepted yet.
    ///
    /// - Parameter authenticates: whether the server has an authenticator, hence wants a handshake.
    package init(authenticates: Bool) {
        state = .accepted(authenticates: authenticates)
    }

    /// Whether messages may be sent to this connection; before that they are queued or dropped.
    package var isOpen: Bool {
        if case .open = state { true } else { false }
    }

    /// Whether the application owes an answer: the decoder is to be held, and no timer of the wire runs.
    package var awaitsApplication: Bool {
        switch state {
        case .awaitingChallenge, .verifying: true
        default: false
        }
    }

    /// The uid under which the connection was opened; still there afterwards, so that its name can be given back.
    package var uid: String? {
        switch state {
        case .open(let uid), .closing(let uid), .closed(let uid): uid
        default: nil
        }
    }

    /// The timer to be armed now, nil for none.
    package var timeout: NucosTimeout? {
        switch state {
        case .awaitingUID, .awaitingSignature: .step
        case .open: .idle
        case .closing: .close
        case .accepted, .awaitingChallenge, .verifying, .closed: nil
        }
    }

    /// The connection has been accepted.
    package mutating func accepted() -> NucosAction {
        guard case .accepted(let authenticates) = state else { return .ignore }
        if authenticates {
            state = .awaitingUID
            return .send(NucosControl.startAuth)
        }
        state = .open(uid: nil)
        return .opened(uid: nil, send: [])
    }

    /// Whether a message on an open connection is one to forward: it has a room, and no event that would command the
    /// clients there.
    ///
    /// What `frame` says of it too, without touching a machine.
    package static func isForwarded(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> Bool {
        guard frame.room != nil else { return false }
        return NucosReservedEvent(frame.event, in: bytes)?.commandsClients != true
    }

    /// A message has arrived.
    ///
    /// - Parameters:
    ///   - frame: what the decoder gave.
    ///   - bytes: those of the frame.
    package mutating func frame(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> NucosAction {
        let reserved = NucosReservedEvent(frame.event, in: bytes)
        if case .open = state {
            if let room = frame.room {
                // First of all, as in the original: a reserved event with a room is a publish.
                if let reserved, reserved.commandsClients { return .drop(.controlEventInRoom) }
                return .publish(room: room)
            }
            guard let reserved else { return .event }
            return openFrame(reserved, frame, bytes)
        }
        return handshakeOrClosingFrame(reserved, frame, bytes)
    }

    /// The application has made a challenge.
    ///
    /// - Parameter json: one valid JSON value.
    package mutating func challengeReady(_ json: [UInt8]) -> NucosAction {
        guard case .awaitingChallenge(let uid) = state else { return .ignore }
        state = .awaitingSignature(uid: uid, challenge: json)
        return .send(NucosEncoder.frame(event: "challenge_auth", content: json.span))
    }

    /// The application has checked the signature, or has failed to make a challenge (false).
    package mutating func verified(_ isGenuine: Bool) -> NucosAction {
        switch state {
        case .verifying(let uid) where isGenuine:
            state = .open(uid: uid)
            return .opened(uid: uid, send: NucosControl.authSuccess)
        case .verifying, .awaitingChallenge:
            guard !isGenuine else { return .ignore }
            return close(NucosControl.authFailed, .authenticationFailed)
        default:
            return .ignore
        }
    }

    /// The `.step` timer ran out.
    package mutating func stepTimedOut() -> NucosAction {
        guard timeout == .step else { return .ignore }
        return close(NucosControl.authFailed, .handshakeTimedOut)
    }

    /// The `.idle` timer ran out.
    package mutating func idleTimedOut() -> NucosAction {
        guard timeout == .idle else { return .ignore }
        return close(NucosControl.shutdownNow, .idle)
    }

    /// The server wants to close this connection, because it stops or another connection took its uid.
    package mutating func serverCloses() -> NucosAction {
        switch state {
        case .closing, .closed: return .ignore
        case .accepted: return close(nil, .serverClosed)
        case .open(let uid): state = .closing(uid: uid)
        case .awaitingUID, .awaitingChallenge, .awaitingSignature, .verifying: state = .closing(uid: nil)
        }
        return .send(NucosControl.shutdownNow)
    }

    /// The `.close` timer ran out.
    package mutating func closeTimedOut() -> NucosAction {
        guard timeout == .close else { return .ignore }
        return close(nil, .closeTimedOut)
    }

    /// The stream ended or broke.
    package mutating func peerClosed() -> NucosAction {
        if case .closed = state { return .ignore }
        return close(nil, .peerClosed)
    }

    private mutating func close(_ last: [UInt8]?, _ reason: NucosCloseReason) -> NucosAction {
        state = .closed(uid: uid)
        return .close(send: last, reason: reason)
    }
}

extension NucosConnectionMachine {
    /// A reserved event without a room on an open connection.
    private mutating func openFrame(
        _ event: NucosReservedEvent,
        _ frame: NucosFrame,
        _ bytes: Span<UInt8>
    ) -> NucosAction {
        switch event {
        case .ping: return .send(NucosControl.pong)
        case .pong: return .pong
        case .shutdown: return shutdown(frame, bytes)
        case .subscribe:
            let room = frame.content.text
            guard frame.content.kind == .string, !room.isEmpty else { return .drop(.roomNotString) }
            return .subscribe(room: room)
        case .startAuth, .challengeAuth, .authFinal, .signature: return .event
        }
    }

    /// `now` is answered and ends the connection, `confirmed` is never answered.
    private mutating func shutdown(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> NucosAction {
        switch frame.content.kind == .string ? frame.content.text.shortName(in: bytes) : nil {
        case ShortName("n", "o", "w"): return close(NucosControl.shutdownConfirmed, .peerAnnounced)
        case ShortName("c", "o", "n", "f", "i", "r", "m", "e", "d"):
            if case .closing = state { return close(nil, .serverClosed) }
            return .ignore
        default: return .drop(.unknownShutdown)
        }
    }

    private mutating func handshakeOrClosingFrame(
        _ event: NucosReservedEvent?,
        _ frame: NucosFrame,
        _ bytes: Span<UInt8>
    ) -> NucosAction {
        if case .closed = state { return .ignore }
        // A client may give up at any time, and waits for the answer.
        if event == .shutdown, frame.room == nil { return shutdown(frame, bytes) }
        switch state {
        case .awaitingUID:
            return uidAnswer(frame, bytes)
        case .awaitingSignature(let uid, let challenge):
            guard event == .signature else { return close(NucosControl.authFailed, .unexpectedAnswer) }
            state = .verifying(uid: uid)
            let signature = [UInt8](bytes: bytes.extracting(frame.content.range))
            return .verify(uid: uid, signature: signature, challenge: challenge)
        case .accepted, .awaitingChallenge, .verifying:
            return .drop(.notReady)
        case .closing:
            return .drop(.closing)
        case .open, .closed:
            return .ignore
        }
    }

    /// Takes any event for the uid, as the original does.
    private mutating func uidAnswer(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> NucosAction {
        let text = frame.content.text
        guard frame.content.kind == .string, !text.isEmpty, !text.equals("anonymous", in: bytes) else {
            return close(NucosControl.authFailed, .uidRefused)
        }
        let uid = text.string(in: bytes)
        state = .awaitingChallenge(uid: uid)
        return .askChallenge(uid: uid)
    }
}
