// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A rule of the protocol that the other side broke.
package struct WebSocketFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// What a close frame is to say.
    package let code: WebSocketCloseCode
    /// The rule, in a few words, fit for a close frame's reason; never the payload.
    package let rule: String

    init(_ code: WebSocketCloseCode, _ rule: String) {
        self.code = code
        self.rule = rule
    }

    package var description: String { "\(code): \(rule)" }

    static let reservedBits = WebSocketFault(.protocolError, "a reserved bit is set")
    static let opcode = WebSocketFault(.protocolError, "an unknown opcode")
    static let unmasked = WebSocketFault(.protocolError, "a client's frame is not masked")
    static let masked = WebSocketFault(.protocolError, "a server's frame is masked")
    static let length = WebSocketFault(.protocolError, "a length is not in its shortest form")
    static let controlFragmented = WebSocketFault(.protocolError, "a control frame is fragmented")
    static let controlLength = WebSocketFault(.protocolError, "a control frame has more than 125 bytes")
    static let noMessage = WebSocketFault(.protocolError, "a continuation without a message")
    static let unfinishedMessage = WebSocketFault(.protocolError, "a new message within a fragmented one")
    static let closeLength = WebSocketFault(.protocolError, "a close frame has one byte")
    static let closeCode = WebSocketFault(.protocolError, "a close code that may not be sent")
    static let closeReason = WebSocketFault(.invalidData, "a close reason is not UTF-8")
    static let text = WebSocketFault(.invalidData, "a text is not UTF-8")
    static let compression = WebSocketFault(.invalidData, "a compressed message can't be read")
    static let frameTooBig = WebSocketFault(.messageTooBig, "a frame is too long")
    static let messageTooBig = WebSocketFault(.messageTooBig, "a message is too long")
}
