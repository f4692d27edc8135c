// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryJSON

extension Payload {
    /// The JSON that stands for it on the wire: itself, a text as a string, bytes as a string of base64 (RFC 4648 §4).
    ///
    /// - Throws: The fault of what says that it is JSON, and is not.
    func wireJSON() throws(JSONFault) -> [UInt8] {
        var json: [UInt8] = []
        switch kind {
        case .json:
            _ = try JSONScanner.validate(bytes.span)
            return bytes
        case .text: JSONWriter.append(utf8: bytes.span, to: &json)
        case .binary: JSONWriter.append(Base64.encode(bytes), to: &json)
        }
        return json
    }
}
