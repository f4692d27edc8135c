// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// The client's side of one nucosMQ connection as a value: inputs in, one action out, no I/O, clock or logger.
///
/// The shell performs the action before the next input, and after each input compares `timeout` (and `step`) with the
/// timer it has armed. The rules are those of the nucosMQ wire, §3 to §6, for a client of ours: it answers at once,
/// never asks twice, acts on commands only outside rooms, and closes by itself when it is refused.
package struct NucosClientMachine: ~Copyable {
    private enum State {
        case connecting
        /// Connected with something to sign with: the server may be about to ask, so nothing leaves.
        case deciding
        case awaitingChallenge
        case signing
        case awaitingResult
        case open(isAuthenticated: Bool)
        /// As `open`, and a `ping` of the idle connection waits for its answer.
        case probing(isAuthenticated: Bool)
        case closing
        case closed
    }

    private let uid: String
    private let canSign: Bool
    private var state = State.connecting
    /// Counts the steps of handshakes, so that the timer of one is not taken for that of the next.
    package private(set) var step = 0

    /// A connection that does not stand yet.
    ///
    /// - Parameters:
    ///   - uid: what the client calls itself; empty for a client that has no name.
    ///   - canSign: whether the application can answer a challenge.
    package init(uid: String, canSign: Bool) {
        self.uid = uid
        self.canSign = canSign
    }

    /// Whether the connection stands and has not begun to close, with or without a handshake.
    package var isConnected: Bool {
        switch state {
        case .connecting, .closing, .closed: false
        case .deciding, .awaitingChallenge, .signing, .awaitingResult, .open, .probing: true
        }
    }

    /// Whether a message may leave at once; while connected and not so, it is held.
    package var isOpen: Bool {
        switch state {
        case .open, .probing: true
        default: false
        }
    }

    /// Whether the server let the client in by its signature.
    package var isAuthenticated: Bool {
        switch state {
        case .open(let isAuthenticated), .probing(let isAuthenticated): isAuthenticated
        default: false
        }
    }

    /// The timer to be armed now, nil for none.
    package var timeout: NucosClientTimeout? {
        switch state {
        case .deciding: .hold
        case .awaitingChallenge, .signing, .awaitingResult: .step
        case .open: .idle
        case .probing: .pong
        case .closing: .close
        case .connecting, .closed: nil
        }
    }

    // MARK: From the network

    /// The connection stands.
    package mutating func connected() -> NucosClientAction {
        guard case .connecting = state else { return .ignore }
        if canSign, !uid.isEmpty {
            state = .deciding
            return .ignore
        }
        state = .open(isAuthenticated: false)
        return .opened(isAuthenticated: false, send: [])
    }

    /// Bytes have arrived, so the server lives.
    package mutating func received() {
        if case .probing(let isAuthenticated) = state { state = .open(isAuthenticated: isAuthenticated) }
    }

    /// Whether a message on an open connection is one for the application.
    ///
    /// What `frame` says of it too, without touching a machine.
    package static func isMessage(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> Bool {
        NucosReservedEvent(frame.event, in: bytes)?.commandsClients != true
    }

    /// A message has arrived.
    ///
    /// - Parameters:
    ///   - frame: what the decoder gave.
    ///   - bytes: those of the frame.
    package mutating func frame(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> NucosClientAction {
        switch state {
        case .connecting, .closed: return .ignore
        default: break
        }
        guard let reserved = NucosReservedEvent(frame.event, in: bytes), reserved.commandsClients else {
            if case .closing = state { return .ignore }
            return .message
        }
        // An original client obeys; but any member of a room can send it there.
        guard frame.room == nil else { return .drop(.controlEventInRoom) }
        switch reserved {
        case .ping: return .send(NucosControl.pong)
        case .pong: return .pong
        case .shutdown: return shutdown(frame, bytes)
        case .startAuth: return startAuth()
        case .challengeAuth: return challenge(frame, bytes)
        case .authFinal: return result(frame, bytes)
        case .signature, .subscribe: return .message
        }
    }

    /// The stream ended or broke.
    package mutating func peerClosed() -> NucosClientAction {
        switch state {
        case .closed: .ignore
        case .closing: close(nil, .clientClosed)
        default: close(nil, .peerClosed)
        }
    }

    // MARK: From the application

    /// The application has signed the challenge, nil if it could not.
    ///
    /// - Parameter json: one valid JSON value.
    package mutating func signed(_ json: [UInt8]?) -> NucosClientAction {
        guard case .signing = state else { return .ignore }
        guard let json else { return close(nil, .signingFailed) }
        enter(.awaitingResult)
        return .send(NucosEncoder.frame(event: "signature", content: json.span))
    }

    /// The application wants to close.
    package mutating func closes() -> NucosClientAction {
        switch state {
        case .closing, .closed: return .ignore
        case .connecting: return close(nil, .clientClosed)
        default:
            state = .closing
            return .send(NucosControl.shutdownNow)
        }
    }

    // MARK: Timers

    /// The timer ran out that `timeout` asked for.
    package mutating func timedOut(_ timer: NucosClientTimeout) -> NucosClientAction {
        guard timer == timeout else { return .ignore }
        switch (timer, state) {
        case (.hold, _):
            state = .open(isAuthenticated: false)
            return .opened(isAuthenticated: false, send: [])
        case (.step, _): return close(nil, .handshakeTimedOut)
        case (.idle, .open(let isAuthenticated)):
            state = .probing(isAuthenticated: isAuthenticated)
            return .send(NucosControl.ping)
        case (.pong, _): return close(NucosControl.shutdownNow, .idle)
        case (.close, _): return close(nil, .closeTimedOut)
        case (.idle, _): return .ignore
        }
    }

    private mutating func enter(_ next: State) {
        state = next
        step &+= 1
    }

    private mutating func close(_ last: [UInt8]?, _ reason: NucosClientCloseReason) -> NucosClientAction {
        state = .closed
        return .close(send: last, reason: reason)
    }
}

extension NucosClientMachine {
    private mutating func startAuth() -> NucosClientAction {
        switch state {
        case .deciding, .open(isAuthenticated: false), .probing(isAuthenticated: false):
            guard !uid.isEmpty else { return close(nil, .noUID) }
            guard canSign else { return close(nil, .noSigner) }
            enter(.awaitingChallenge)
            return .send(NucosEncoder.frame(event: "uid", text: uid))
        default:
            return .drop(.unexpectedHandshake)
        }
    }

    private mutating func challenge(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> NucosClientAction {
        guard case .awaitingChallenge = state else { return .drop(.unexpectedHandshake) }
        enter(.signing)
        return .sign(challenge: [UInt8](bytes: bytes.extracting(frame.content.range)))
    }

    /// `failed` may come after any step, `success` only after the signature.
    private mutating func result(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> NucosClientAction {
        switch state {
        case .awaitingChallenge, .signing, .awaitingResult: break
        default: return .drop(.unexpectedHandshake)
        }
        switch frame.content.kind == .string ? frame.content.text.shortName(in: bytes) : nil {
        case ShortName("f", "a", "i", "l", "e", "d"):
            return close(nil, .refused)
        case ShortName("s", "u", "c", "c", "e", "s", "s"):
            guard case .awaitingResult = state else { return .drop(.unexpectedHandshake) }
            state = .open(isAuthenticated: true)
            return .opened(isAuthenticated: true, send: NucosControl.thanks)
        default:
            return .drop(.unknownResult)
        }
    }

    /// `now` is always answered and ends the connection, `confirmed` is never answered.
    private mutating func shutdown(_ frame: NucosFrame, _ bytes: Span<UInt8>) -> NucosClientAction {
        switch frame.content.kind == .string ? frame.content.text.shortName(in: bytes) : nil {
        case ShortName("n", "o", "w"):
            // Both at once: the server has the client's word already, and still waits for this one.
            if case .closing = state { return close(NucosControl.shutdownConfirmed, .clientClosed) }
            return close(NucosControl.shutdownConfirmed, .serverAnnounced)
        case ShortName("c", "o", "n", "f", "i", "r", "m", "e", "d"):
            if case .closing = state { return close(nil, .clientClosed) }
            return .ignore
        default:
            return .drop(.unknownShutdown)
        }
    }
}
