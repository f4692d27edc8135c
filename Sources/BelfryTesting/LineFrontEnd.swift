// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import Belfry
import BelfryIO

/// A protocol of text lines, just large enough to test what the broker does for front-ends.
///
/// From the client: `JOIN room`, `LEAVE room`, `M room event payload` (publish), `O room event payload` (publish to the
/// others), `SAY text` (answered by `= text`),
/// `EVT event payload` (to the server itself), `ID name`, `QUIT`. To the client: `M room event payload`, `G room from to` (a gap),
/// `= text`, `> event payload` (to this client alone), `! room reason` (join refused), `BYE` (drain).
package struct LineFrontEnd: FrontEnd {
    package let name = "line"
    /// Bytes of one line, at most.
    package var maxLineBytes = 1024 * 1024
    /// How far a subscriber may fall behind; nil takes the broker's setting.
    package var lag: LagLimit?

    package init() {}

    package func makeHandler(for connection: Connection) -> any ConnectionHandler {
        LineConnection(connection, frontEnd: self)
    }
}

/// The wire format of ``LineFrontEnd``.
package struct LineFormat: WireFormat {
    package let name: String

    /// Formats of different names have frame logs of their own.
    package init(name: String = "line") { self.name = name }

    package func encode(room: String, event: String, payload: Payload, into frame: inout [UInt8]) {
        // An event that the protocol has no word for.
        guard event != "unsayable" else { return }
        frame += Array("M \(room) \(event) ".utf8) + payload.bytes + [10]
    }

    package func decode(_ frame: Span<UInt8>) -> (event: String, payload: Payload)? {
        var bytes: [UInt8] = []
        for index in frame.indices { bytes.append(frame[index]) }
        let words = bytes.dropLast().split(separator: 32, maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count == 4 else { return nil }
        return (String(decoding: words[2], as: UTF8.self), Payload(.text, bytes: Array(words[3])))
    }

    package func encodeGap(room: String, from: UInt64, to: UInt64, into frame: inout [UInt8]) {
        frame += Array("G \(room) \(from) \(to)\n".utf8)
    }
}

private final class LineConnection: ConnectionHandler {
    private unowned let connection: Connection
    private let frontEnd: LineFrontEnd
    private let format = LineFormat()
    private var line: [UInt8] = []

    init(_ connection: Connection, frontEnd: LineFrontEnd) {
        self.connection = connection
        self.frontEnd = frontEnd
    }

    func opened() {}
    func send(event: String, _ payload: Payload) -> Bool {
        send("> \(event) \(payload.text)")
        return true
    }
    func tick(now: Int64) {}
    func closed(_ reason: CloseReason) {}
    func peerEnded() { connection.close(.peer) }

    func drain() {
        send("BYE")
        connection.close(.local)
    }

    func received(_ bytes: Span<UInt8>) {
        for index in bytes.indices {
            line.append(bytes[index])
            if bytes[index] == 10 {
                handle()
                line.removeAll(keepingCapacity: true)
            } else if line.count > frontEnd.maxLineBytes {
                return connection.fail(.protocolError("a line of more than \(frontEnd.maxLineBytes) bytes"))
            }
        }
    }

    private func send(_ text: String) {
        let frame = Array((text + "\n").utf8)
        connection.send(frame.span)
    }

    private func handle() {
        let words = line.dropLast().split(separator: 32, maxSplits: 3, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        switch words.first {
        case "JOIN" where words.count > 1:
            let room = words[1]
            let (shared, id) = (connection.context.shared, connection.id)
            connection.join(room, format: format, lag: frontEnd.lag) { refusal in
                let context = shared.context(id.loop).value
                let frame = Array("! \(room) \(refusal)\n".utf8)
                guard let connection = context.connections[id] else { return }
                connection.send(frame.span)
            }
        case "LEAVE" where words.count > 1: connection.leave(words[1])
        case "M" where words.count == 4:
            if let membership = connection.membership(of: words[1]) {
                let frame = line
                connection.publish(frame.span, format: format, to: membership)
            }
        case "O" where words.count == 4:
            if let membership = connection.membership(of: words[1]) {
                var frame = line
                frame[0] = UInt8(ascii: "M")
                connection.publish(frame.span, format: format, to: membership, toSelf: false)
            }
        case "SAY": send("= " + words.dropFirst().joined(separator: " "))
        case "EVT" where words.count > 1:
            connection.deliver(event: words[1], .text(words.dropFirst(2).joined(separator: " ")))
        case "ID" where words.count == 2: connection.identity = words[1]
        case "QUIT": connection.close(.local)
        default: connection.fail(.protocolError("an unknown word"))
        }
    }
}
