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
    /// What receipts of a moment have around ids of a length.
    private var receipt = ReceiptEnvelope()
    /// Receipts for what a client said in one go; one client at a time.
    private var receipts: [UInt8] = []

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

    /// Notes a receipt, for `sendReceipts`.
    func addReceipt(for message: ClientMessage, _ text: Span<UInt8>, at moment: Int64) {
        if let id = message.id, receipt.append(text.extracting(id), at: moment, to: &receipts) { return }
        receipt.moment = moment
        let start = ServerText.receiptStart(at: clock.text(at: moment))
        ServerText.appendReceipt(for: message, in: text, start: start, noting: &receipt, to: &receipts)
    }

    /// Sends the receipts that were noted, to the client whose messages they are for.
    func sendReceipts(to socket: WebSocketConnection) {
        guard !receipts.isEmpty else { return }
        var frames: [UInt8] = []
        swap(&frames, &receipts)
        socket.send(frame: frames.span)
        frames.removeAll(keepingCapacity: frames.capacity <= 64 * 1024)
        swap(&frames, &receipts)
    }
}
