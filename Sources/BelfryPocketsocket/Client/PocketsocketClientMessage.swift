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
        let json: [UInt8]
        do throws(JSONFault) {
            json = try data.wireJSON()
        } catch {
            throw PocketsocketClientError(.badData, "the data is not JSON: \(error.rule.rawValue)", cause: error)
        }
        var bytes = Array(#"","message":"#.utf8)
        bytes.reserveCapacity(json.count + message.utf8.count + 64)
        JSONWriter.append(message, to: &bytes)
        bytes += Array(#","data":"#.utf8)
        bytes += json
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
}
