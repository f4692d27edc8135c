// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import DequeModule

/// What carries a WebSocket's frames: a server's connection or a client's socket.
///
/// Loop-confined.
protocol WebSocketLink: AnyObject {
    /// Bytes that wait to be sent.
    var pendingBytes: Int { get }
    /// Has it say `channel.hasRoom` once there is some.
    func announceRoom()
    func send(_ kind: WebSocketMessageKind, _ payload: Span<UInt8>)
    func setReceiving(_ receiving: Bool)
    /// Begins the close handshake; nothing when it has begun.
    func close(_ code: WebSocketCloseCode, reason: String)
    /// Ends at once.
    func abort()
}

/// The loop's side of a `WebSocket`: messages that wait for their reader, and senders that wait for room.
///
/// Loop-confined.
final class WebSocketChannel {
    private let maxReceivedBytes: Int
    private let maxPendingBytes: Int
    private var link: (any WebSocketLink)?

    private var arrived: Deque<WebSocketMessage> = []
    private var receivedBytes = 0
    private var isPaused = false
    private let reader = Parker<Void>()

    private var senders: [Parker<Void>] = []

    /// Set once this side has closed: what still arrives is dropped.
    private var isClosing = false
    private(set) var end: WebSocketEnd?
    private var failure: WebSocketError?
    private var endWaiters: [Parker<Void>] = []

    init(maxReceivedBytes: Int, maxPendingBytes: Int) {
        self.maxReceivedBytes = maxReceivedBytes
        self.maxPendingBytes = maxPendingBytes
    }

    func setLink(_ link: any WebSocketLink) { self.link = link }

    // MARK: Receiving

    func received(_ kind: WebSocketMessageKind, _ payload: Span<UInt8>) {
        guard !isClosing, end == nil else { return }
        var bytes: [UInt8] = []
        bytes.append(copying: payload)
        arrived.append(kind == .text ? .text(String(decoding: bytes, as: UTF8.self)) : .binary(bytes))
        receivedBytes += Self.weight(payload.count)
        if receivedBytes >= maxReceivedBytes, !isPaused {
            isPaused = true
            link?.setReceiving(false)
        }
        reader.unpark()
    }

    /// An empty message takes memory as well.
    private static func weight(_ bytes: Int) -> Int { bytes + 64 }

    func next() async throws(WebSocketError) -> WebSocketMessage? {
        while true {
            if let message = arrived.popFirst() {
                switch message {
                case .text(let text): receivedBytes -= Self.weight(text.utf8.count)
                case .binary(let bytes): receivedBytes -= Self.weight(bytes.count)
                }
                if isPaused, receivedBytes <= maxReceivedBytes / 2 { resume() }
                return message
            }
            if let failure { throw failure }
            guard end == nil, !isClosing else { return nil }
            if case .cancelled = await reader.park() { return nil }
        }
    }

    private func resume() {
        isPaused = false
        link?.setReceiving(true)
    }

    // MARK: Sending

    func send(_ kind: WebSocketMessageKind, _ payload: [UInt8]) async throws(WebSocketError) {
        while let link, !isClosing, link.pendingBytes > maxPendingBytes {
            let parker = Parker<Void>()
            senders.append(parker)
            link.announceRoom()
            if case .cancelled = await parker.park() {
                senders.removeAll { $0 === parker }
                throw WebSocketError(.cancelled, "cancelled while waiting for a slow reader")
            }
        }
        guard let link, !isClosing else { throw failure ?? closedError }
        link.send(kind, payload.span)
    }

    private var closedError: WebSocketError {
        WebSocketError(.closed, "the WebSocket is closed", closeCode: end?.code)
    }

    /// The link has sent something: senders that wait may try again.
    func hasRoom() {
        guard !senders.isEmpty, link.map({ $0.pendingBytes <= maxPendingBytes }) ?? true else { return }
        let waiting = senders
        senders = []
        for sender in waiting { sender.unpark() }
    }

    // MARK: End

    /// Closes; what the other side still sends is dropped, what had arrived can be read.
    func close(_ code: WebSocketCloseCode, reason: String) {
        guard let link, !isClosing else { return }
        isClosing = true
        link.close(code, reason: reason)
        if isPaused { resume() }
        reader.unpark()
        hasRoomAtTheEnd()
    }

    func abort() {
        isClosing = true
        link?.abort()
    }

    /// The link has ended.
    func ended(_ end: WebSocketEnd, _ failure: WebSocketError?) {
        guard self.end == nil else { return }
        self.end = end
        if !isClosing { self.failure = failure }
        link = nil
        reader.unpark()
        hasRoomAtTheEnd()
        for waiter in endWaiters { waiter.unpark() }
        endWaiters = []
    }

    private func hasRoomAtTheEnd() {
        let waiting = senders
        senders = []
        for sender in waiting { sender.unpark() }
    }

    /// Returns when the link has ended, also in a cancelled task.
    func waitUntilEnded() async {
        guard end == nil else { return }
        let parker = Parker<Void>()
        endWaiters.append(parker)
        _ = await parker.park()
    }
}

extension WebSocketError {
    /// What a close frame of the other side comes to for its reader; nil for a good end.
    init?(_ end: WebSocketEnd) {
        switch end.code {
        case .normal, .goingAway, .noStatus: return nil
        case .abnormal:
            self.init(.connectionLost, "the connection ended without a close frame", closeCode: .abnormal)
        default:
            self.init(.closed, "closed by the other side: \(end.code) \(end.reason)", closeCode: end.code)
        }
    }
}
