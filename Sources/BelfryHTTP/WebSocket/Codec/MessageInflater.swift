// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryZlib

/// The receiving side of permessage-deflate (RFC 7692, §7.2.2).
///
/// Owns memory from the first compressed message on, without context takeover only during one.
struct MessageInflater: ~Copyable {
    private let windowBits: Int
    private let keepsContext: Bool
    private var inflater: Inflater?

    init(_ parameters: DeflateParameters, _ role: WebSocketRole) {
        windowBits = role == .server ? parameters.clientMaxWindowBits : parameters.serverMaxWindowBits
        keepsContext = role == .server ? !parameters.clientNoContextTakeover : !parameters.serverNoContextTakeover
    }

    /// Takes a piece of a message and appends what it stands for, at most `maxBytes`.
    ///
    /// - Returns: The rule that it breaks, behind what it stood for until then; nil if none.
    mutating func inflate(_ bytes: Span<UInt8>, into output: inout [UInt8], maxBytes: Int) -> WebSocketFault? {
        let before = output.count
        guard var inflater = inflater.take() ?? Inflater(windowBits: windowBits) else { return .compression }
        switch inflater.inflate(bytes, into: &output, maxBytes: maxBytes) {
        case .finished:
            self.inflater = consume inflater
            return nil
        case .tooLarge:
            output.removeLast(max(0, output.count - before - maxBytes))
            return .messageTooBig
        case .corrupt: return .compression
        }
    }

    /// Ends a message: puts back the four bytes that the sender took away.
    mutating func finish(into output: inout [UInt8], maxBytes: Int) -> WebSocketFault? {
        let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]
        let fault = inflate(tail.span, into: &output, maxBytes: maxBytes)
        if !keepsContext { inflater = nil }
        return fault
    }
}
