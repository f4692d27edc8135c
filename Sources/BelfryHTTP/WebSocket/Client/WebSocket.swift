// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO

/// A WebSocket, of a client or a server: a sequence of messages, and one way to send.
///
///     for try await message in socket.messages { try await socket.send(message) }
///
/// Both directions are bounded: a slow reader stops the socket, a slow peer makes `send` wait. Pings are answered by
/// themselves.
public actor WebSocket: LoopBound {
    /// The loop that serves the socket; the actor lives on it.
    public nonisolated let loop: EventLoop
    /// The subprotocol that was agreed on.
    public nonisolated let subprotocol: String?
    private let channel: LoopConfined<WebSocketChannel>

    init(_ channel: LoopConfined<WebSocketChannel>, on loop: EventLoop, subprotocol: String?) {
        self.loop = loop
        self.subprotocol = subprotocol
        self.channel = channel
    }

    /// What arrives, for one reader at a time.
    public nonisolated var messages: WebSocketMessages { WebSocketMessages(socket: self) }

    /// Sends a text.
    ///
    /// Suspends while more than `maxPendingBytes` are queued; returns once the message is queued, not once it is sent.
    ///
    /// - Throws: ``WebSocketError`` `.closed` or what ended the connection, `.cancelled` when the wait was.
    public func send(_ text: String) async throws(WebSocketError) {
        try await channel.value.send(.text, Array(text.utf8))
    }

    /// Sends bytes; otherwise as a text is sent.
    public func send(_ bytes: [UInt8]) async throws(WebSocketError) {
        try await channel.value.send(.binary, bytes)
    }

    /// Sends a message, as one that was received.
    public func send(_ message: WebSocketMessage) async throws(WebSocketError) {
        switch message {
        case .text(let text): try await send(text)
        case .binary(let bytes): try await send(bytes)
        }
    }

    /// Closes in order: says so behind what is queued, waits for the other side to say it too, and for the end.
    ///
    /// Messages that still arrive are dropped. Returns when the connection is gone, also in a cancelled task; nothing
    /// happens when it was closed before.
    ///
    /// - Parameters:
    ///   - code: Why; one that may not be sent makes a close frame without code.
    ///   - reason: For people; cut to 123 bytes of UTF-8.
    public func close(_ code: WebSocketCloseCode = .normal, reason: String = "") async {
        channel.value.close(code, reason: reason)
        await waitUntilEnded()
    }

    /// How it ended; nil while it stands.
    public var end: WebSocketEnd? { channel.value.end }

    func next() async throws(WebSocketError) -> WebSocketMessage? { try await channel.value.next() }

    /// Ends the connection at once, and returns when it is gone, also in a cancelled task.
    package func abort() async {
        channel.value.abort()
        await waitUntilEnded()
    }

    private func waitUntilEnded() async {
        // In a task of its own, since the caller's may be cancelled and the end takes its time all the same.
        await Task(executorPreference: loop) { await self.channel.value.waitUntilEnded() }.value
    }
}
