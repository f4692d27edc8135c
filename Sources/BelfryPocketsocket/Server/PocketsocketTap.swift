// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP

/// Says to a hub what is published in the rooms of a loop.
///
/// Loop-confined.
final class PocketsocketTap: RoomTap {
    private let hub: String
    private let rooms: PocketsocketConfiguration.Rooms
    private let format: WebSocketFormat<VerbatimContent>
    private let trace: (@Sendable (PocketsocketTrace) -> Void)?
    private var clock = LocalClock()
    /// What receipts of a moment begin with.
    private var receiptStart: (moment: Int64, bytes: [UInt8]) = (.min, [])
    /// Memory for receipts.
    private var scratch: [UInt8] = []

    init(
        hub: String,
        rooms: PocketsocketConfiguration.Rooms,
        format: WebSocketFormat<VerbatimContent>,
        trace: (@Sendable (PocketsocketTrace) -> Void)?
    ) {
        self.hub = hub
        self.rooms = rooms
        self.format = format
        self.trace = trace
    }

    func wants(_ room: String) -> Bool { rooms.contains(room) }

    func published(_ event: String, _ payload: Payload, in room: String, on context: LoopContext) {
        // With a dot in any case: an original client raises a message without one twice.
        guard let text = ServerText.message("\(room).\(event)", payload, id: ServerText.newID()) else { return }
        context.publish(format.frame(text), format: format, toOwn: hub)
        guard let trace else { return }
        context.toLoop(context.shared.home(of: hub)) { [hub] in
            trace(.sent(String(decoding: text, as: UTF8.self), receivers: $0.memberCount(of: hub)))
        }
    }

    /// Sends a receipt.
    func sendReceipt(for message: ClientMessage, _ text: Span<UInt8>, to socket: WebSocketConnection) {
        let moment = socket.connection.context.wallClock
        if receiptStart.moment != moment {
            receiptStart = (moment, ServerText.receiptStart(at: clock.text(at: moment)))
        }
        var frame: [UInt8] = []
        swap(&frame, &scratch)
        frame.removeAll(keepingCapacity: true)
        ServerText.appendReceipt(for: message, in: text, start: receiptStart.bytes, to: &frame)
        socket.send(frame: frame.span)
        swap(&frame, &scratch)
    }
}
