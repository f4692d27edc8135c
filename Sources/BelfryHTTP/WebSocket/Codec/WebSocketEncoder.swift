// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Writes frames (RFC 6455, §5.2), each message in one.
///
/// A server's frames are the same for everybody, so they can be shared; a client masks each with a key of its own.
package enum WebSocketEncoder {
    /// The most bytes that stand before a server's payload.
    package static let maxHeaderBytes = 10

    /// How many bytes stand before a server's payload of this length.
    package static func headerBytes(_ length: Int) -> Int { length < 126 ? 2 : length < 65_536 ? 4 : 10 }

    /// Appends what stands before the payload.
    package static func appendHeader(
        _ opcode: WebSocketOpcode,
        length: Int,
        isFinal: Bool = true,
        isCompressed: Bool = false,
        key: UInt32? = nil,
        to output: inout [UInt8]
    ) {
        output.append(opcode.rawValue | (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0))
        let mask: UInt8 = key == nil ? 0 : 0x80
        if length < 126 {
            output.append(UInt8(truncatingIfNeeded: length) | mask)
        } else if length < 65_536 {
            output.append(126 | mask)
            output.append(UInt8(truncatingIfNeeded: length >> 8))
            output.append(UInt8(truncatingIfNeeded: length))
        } else {
            output.append(127 | mask)
            for shift in stride(from: 56, through: 0, by: -8) {
                output.append(UInt8(truncatingIfNeeded: length >> shift))
            }
        }
        guard let key else { return }
        for shift: UInt32 in [0, 8, 16, 24] { output.append(UInt8(truncatingIfNeeded: key >> shift)) }
    }

    /// Appends a frame.
    ///
    /// - Parameters:
    ///   - opcode: What it is; a control frame's payload has at most 125 bytes, which is the caller's to see to.
    ///   - payload: Its bytes; of a text, UTF-8.
    ///   - isFinal: False when fragments follow.
    ///   - isCompressed: Whether the payload went through permessage-deflate (RFC 7692).
    ///   - key: A client's mask, from an unpredictable source (RFC 6455, §5.3); nil for a server.
    ///   - output: What the frame is appended to.
    package static func append(
        _ opcode: WebSocketOpcode,
        _ payload: Span<UInt8>,
        isFinal: Bool = true,
        isCompressed: Bool = false,
        key: UInt32? = nil,
        to output: inout [UInt8]
    ) {
        appendHeader(
            opcode,
            length: payload.count,
            isFinal: isFinal,
            isCompressed: isCompressed,
            key: key,
            to: &output
        )
        if let key {
            _ = output.append(payload, maskedBy: key)
        } else {
            output.append(copying: payload)
        }
    }

    /// Appends a close frame.
    ///
    /// - Parameters:
    ///   - code: Why; nil, or one that may not be sent, makes an empty frame.
    ///   - reason: For people; cut to 123 bytes.
    ///   - key: As above.
    ///   - output: What the frame is appended to.
    package static func appendClose(
        _ code: WebSocketCloseCode?,
        reason: String = "",
        key: UInt32? = nil,
        to output: inout [UInt8]
    ) {
        var payload: [UInt8] = []
        if let code, code.isSendable {
            payload = [UInt8(truncatingIfNeeded: code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)]
            for scalar in reason.unicodeScalars {
                let bytes = UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
                guard payload.count + bytes.count <= 125 else { break }
                payload += bytes
            }
        }
        append(.close, payload.span, key: key, to: &output)
    }
}
