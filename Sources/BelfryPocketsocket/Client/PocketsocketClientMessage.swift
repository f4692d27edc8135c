// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryJSON

/// Writes what a client says (Pocketsocket, §2.1): `{"id":…,"message":…,"data":…}`, without blanks.
struct PocketsocketClientMessage {
    /// Of this message at this server alone.
    let id: String
    /// The JSON.
    let text: String

    /// Makes the message with an id that was never used before.
    init(_ message: String, data: [UInt8]) {
        var generator = SystemRandomNumberGenerator()
        self.init(message, data: data, id: Self.makeID(using: &generator))
    }

    init(_ message: String, data: [UInt8], id: String) {
        self.id = id
        var bytes = Array(#"{"id":""#.utf8)
        bytes.reserveCapacity(data.count + message.utf8.count + 64)
        bytes += Array(id.utf8)
        bytes += Array(#"","message":"#.utf8)
        JSONWriter.append(message, to: &bytes)
        bytes += Array(#","data":"#.utf8)
        bytes += data
        bytes.append(ASCII.closeBrace)
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// The JSON that stands for some data: itself, a text as a string, bytes as a string of base64.
    ///
    /// - Throws: ``PocketsocketClientError`` `.badData` for what says that it is JSON, and is not.
    static func json(_ payload: Payload) throws(PocketsocketClientError) -> [UInt8] {
        var json: [UInt8] = []
        switch payload.kind {
        case .json:
            do throws(JSONFault) {
                _ = try JSONScanner.validate(payload.bytes.span)
            } catch {
                throw PocketsocketClientError(.badData, "the data is not JSON: \(error.rule.rawValue)", cause: error)
            }
            return payload.bytes
        case .text: JSONWriter.append(utf8: payload.bytes.span, to: &json)
        case .binary: JSONWriter.append(Base64.encode(payload.bytes), to: &json)
        }
        return json
    }

    /// `0.` and eleven digits of base 32, as a browser's `Math.random().toString(32)` gives them.
    static func makeID(using generator: inout some RandomNumberGenerator) -> String {
        let digits = Array("0123456789abcdefghijklmnopqrstuv".utf8)
        var bits = generator.next() as UInt64
        var id = Array("0.".utf8)
        for _ in 0..<11 {
            id.append(digits[Int(bits & 31)])
            bits >>= 5
        }
        return String(decoding: id, as: UTF8.self)
    }
}
