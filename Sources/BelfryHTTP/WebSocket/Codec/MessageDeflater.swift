// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryZlib

/// The sending side of permessage-deflate (RFC 7692, §7.2.1).
///
/// Owns memory from the first message on, without context takeover only during one.
struct MessageDeflater: ~Copyable {
    private let windowBits: Int
    private let keepsContext: Bool
    private let level: Int
    private let minBytes: Int
    private var deflater: Deflater?

    /// - Parameter options: This side's own; where they give up context takeover, it is given up agreed on or not.
    init(_ parameters: DeflateParameters, _ role: WebSocketRole, _ options: WebSocketDeflate) {
        let isServer = role == .server
        windowBits = isServer ? parameters.serverMaxWindowBits : parameters.clientMaxWindowBits
        let isForbidden = isServer ? parameters.serverNoContextTakeover : parameters.clientNoContextTakeover
        keepsContext = !isForbidden && (isServer ? options.serverContextTakeover : options.clientContextTakeover)
        level = options.level
        minBytes = options.minBytes
    }

    /// The payload compressed; nil when it is to be sent as it is.
    mutating func deflate(_ payload: Span<UInt8>) -> [UInt8]? {
        // zlib can't write with a window of 256 bytes; sending as it is is always allowed.
        guard payload.count >= minBytes, windowBits > 8 else { return nil }
        guard keepsContext else { return Self.deflate(payload, maxWindowBits: windowBits, level: level) }
        guard var deflater = deflater.take() ?? Deflater(windowBits: windowBits, level: level) else { return nil }
        var output: [UInt8] = []
        // After a failure the stream is not fit for use; a new one has an empty window, which is allowed.
        guard deflater.deflate(payload, into: &output) else { return nil }
        self.deflater = consume deflater
        return output
    }

    /// A payload compressed by itself, for everybody; nil when that makes it no smaller.
    static func deflate(_ payload: Span<UInt8>, maxWindowBits: Int, level: Int) -> [UInt8]? {
        guard
            var deflater = Deflater(messageOf: payload.count, maxWindowBits: maxWindowBits, level: level)
        else { return nil }
        var output: [UInt8] = []
        guard deflater.deflate(payload, into: &output), output.count < payload.count else { return nil }
        return output
    }
}
