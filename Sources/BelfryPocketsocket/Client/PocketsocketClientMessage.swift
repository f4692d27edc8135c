// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryJSON

/// Writes what a client says (Pocketsocket, §2.1): `{"id":…,"message":…,"data":…}`, without blanks.
struct PocketsocketClientMessage {
    private static let head = #"{"id":""#
    /// `0.` and at most eleven digits.
    private static let maxIDBytes = 13

    /// All behind the id, which is the same for every server.
    private let tail: String

    /// Makes a message.
    ///
    /// - Throws: ``PocketsocketClientError`` `.badData`, or `.tooLarge` past `maxBytes`.
    init(_ message: String, _ data: Payload, maxBytes: Int) throws(PocketsocketClientError) {
        let data = try Self.json(data)
        var bytes = Array(#"","message":"#.utf8)
        bytes.reserveCapacity(data.count + message.utf8.count + 64)
        JSONWriter.append(message, to: &bytes)
        bytes += Array(#","data":"#.utf8)
        bytes += data
        bytes.append(ASCII.closeBrace)
        tail = String(decoding: bytes, as: UTF8.self)
        try Self.check(Self.head.utf8.count + Self.maxIDBytes + tail.utf8.count, maxBytes: maxBytes)
    }

    /// What one server is sent, with an id of its own.
    func item(waitsForReceipt: Bool = false) -> PocketsocketClientOutbox.Item {
        let id = ServerText.newID()
        return .init(id: id, text: Self.head + id + tail, receipt: waitsForReceipt ? Parker() : nil)
    }

    /// Refuses what an original server would drop the client for.
    static func check(_ byteCount: Int, maxBytes: Int) throws(PocketsocketClientError) {
        guard byteCount <= maxBytes else {
            let sizes = "\(byteCount) bytes, more than \(maxBytes)"
            throw PocketsocketClientError(.tooLarge, "the message is of \(sizes) (maxMessageBytes)")
        }
    }

    /// The JSON that stands for some data: itself, a text as a string, bytes as a string of base64.
    ///
    /// - Throws: ``PocketsocketClientError`` `.badData` for what says that it is JSON, and is not.
    private static func json(_ payload: Payload) throws(PocketsocketClientError) -> [UInt8] {
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
}
