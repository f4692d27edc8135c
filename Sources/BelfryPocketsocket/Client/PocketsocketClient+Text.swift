// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry

// The same with a plain text, which goes as a JSON string.
extension PocketsocketClient {
    /// Says `channel.event` with a text to all other clients; otherwise as ``signal(_:_:_:)-(_,_,Payload)``.
    @discardableResult
    public func signal(
        _ channel: String,
        _ event: String,
        _ text: String
    ) async throws(PocketsocketClientError) -> [MessageID] {
        try await signal(channel, event, .text(text))
    }

    /// Sends a message with a text through every server; otherwise as ``sendToAll(_:_:)-(_,Payload)``.
    @discardableResult
    public func sendToAll(_ message: String, _ text: String) async throws(PocketsocketClientError) -> [MessageID] {
        try await sendToAll(message, .text(text))
    }

    /// Sends a message with a text through one server; otherwise as ``send(_:_:to:)-(_,Payload,_)``.
    @discardableResult
    public func send(
        _ message: String,
        _ text: String,
        to server: Address
    ) async throws(PocketsocketClientError) -> MessageID {
        try await send(message, .text(text), to: server)
    }

    /// Says `channel.event` with a text, and waits for the receipts; otherwise as
    /// ``signalAndWait(_:_:_:timeout:)-(_,_,Payload,_)``.
    @discardableResult
    public func signalAndWait(
        _ channel: String,
        _ event: String,
        _ text: String,
        timeout: Duration = .seconds(10)
    ) async throws(PocketsocketClientError) -> [Receipt] {
        try await signalAndWait(channel, event, .text(text), timeout: timeout)
    }

    /// Sends a message with a text through one server, and waits for its receipt; otherwise as
    /// ``sendAndWait(_:_:to:timeout:)-(_,Payload,_,_)``.
    @discardableResult
    public func sendAndWait(
        _ message: String,
        _ text: String,
        to server: Address,
        timeout: Duration = .seconds(10)
    ) async throws(PocketsocketClientError) -> Receipt {
        try await sendAndWait(message, .text(text), to: server, timeout: timeout)
    }
}
