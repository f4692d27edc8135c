// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// One message, as the application sees it.
public enum WebSocketMessage: Sendable, Hashable {
    /// A text.
    case text(String)
    /// Bytes.
    case binary([UInt8])
}

/// How a WebSocket ended.
public struct WebSocketEnd: Sendable, Hashable {
    /// The other side's code; `.abnormal` when its close frame never came, `.noStatus` when that had none.
    public let code: WebSocketCloseCode
    /// The other side's words.
    public let reason: String
}
