// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import Belfry
import BelfryJSON

extension FrameEncoder {
    /// One frame; the body as ``bodyBytes(of:)`` has it.
    package static func frame(subject: String, payload: Payload) throws(MissionCommanderError) -> [UInt8] {
        let body = bodyBytes(of: payload)
        var output: [UInt8] = []
        output.reserveCapacity(FrameHeader.byteCount + body.count)
        try append(subject: subject, body: body.span, to: &output)
        return output
    }

    /// A payload as JSON: as it is, a text as a JSON string, bytes as a JSON string of base64 (RFC 4648 §4).
    package static func bodyBytes(of payload: Payload) -> [UInt8] {
        guard payload.kind != .json else { return payload.bytes }
        var body: [UInt8] = []
        if payload.kind == .text {
            JSONWriter.append(utf8: payload.bytes.span, to: &body)
        } else {
            JSONWriter.append(Base64.encode(payload.bytes), to: &body)
        }
        return body
    }
}
