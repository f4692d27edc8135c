// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryJSON
import Synchronization

/// What all connections of one Pocketsocket server share.
///
/// They are in one room, the hub: one order for all channels, as clients hear all of them. What the broker's other rooms
/// say is tapped while there are clients.
final class PocketsocketShared: Sendable {
    let configuration: PocketsocketConfiguration
    let broker: BrokerShared
    /// The hub's name.
    let hub: String
    let format = WebSocketFormat(VerbatimContent())
    private let readers = ReaderList<ReceivedMessage>()
    /// Asked for each message, which a generic list of another module would take long to answer.
    private let mayHaveReaders = Atomic<Bool>(false)
    private let clients = Atomic<Int>(0)
    /// Those that resume.
    private let resumers = Atomic<Int>(0)
    private let isKeeping = Atomic<Bool>(false)
    /// By loop.
    private let taps: [LoopConfined<PocketsocketTap>]
    private let presence: LoopConfined<PresenceBoard>

    init(_ configuration: PocketsocketConfiguration, broker: BrokerShared) {
        self.configuration = configuration
        self.broker = broker
        // Told apart from a second server on the same broker; the same when the program starts again.
        let hub = OwnRoom.storedName("pocketsocket-\(broker.ordinal(of: "pocketsocket"))")
        self.hub = hub
        let (rooms, format, trace) = (configuration.rooms, format, configuration.trace)
        taps = broker.loops.map {
            LoopConfined(PocketsocketTap(hub: hub, rooms: rooms, format: format, trace: trace), to: $0)
        }
        let home = broker.loops[broker.home(of: hub)]
        presence = LoopConfined(PresenceBoard(hub: hub, format: format, trace: trace), to: home)
        // With a store, what is said before the first client comes is for those who come back after a restart.
        guard broker.configuration.store != nil else { return }
        for (index, loop) in broker.loops.enumerated() {
            let box = broker.context(index)
            loop.execute { [self] in box.value.setTap(taps[index].value, isActive: true) }
        }
    }

    /// Whether there may be somebody in the process who reads all messages.
    var hasReaders: Bool { mayHaveReaders.load(ordering: .relaxed) }

    func addReader(_ queue: Queue<ReceivedMessage>) -> Queue<ReceivedMessage> {
        let reader = readers.add(queue)
        mayHaveReaders.store(true, ordering: .relaxed)
        return reader
    }

    func tellReaders(_ message: ReceivedMessage) {
        readers.send(message)
        guard readers.isEmpty else { return }
        mayHaveReaders.store(false, ordering: .relaxed)
        // Somebody may have come in between.
        if !readers.isEmpty { mayHaveReaders.store(true, ordering: .relaxed) }
    }

    var clientCount: Int { clients.load(ordering: .relaxed) }

    /// Counts a client in or out; the first begins and the last ends the tapping of rooms.
    func count(_ change: Int, on context: LoopContext) {
        let before = clients.add(change, ordering: .relaxed).oldValue
        if before == 0 || before + change == 0 { updateTaps(on: context) }
    }

    private func updateTaps(on context: LoopContext) {
        for (loop, tap) in taps.enumerated() {
            // Looked at there: who comes next may have changed it meanwhile.
            context.toLoop(loop) { [self] in $0.setTap(tap.value, isActive: isListening) }
        }
    }

    /// Whether what is said in rooms concerns somebody: who is here, or who may come back.
    private var isListening: Bool {
        clientCount > 0 || isKeeping.load(ordering: .relaxed) || broker.configuration.store != nil
    }

    /// Counts a client that resumes in or out: for them the hub keeps what was said.
    func countResumer(_ change: Int, on context: LoopContext) {
        let before = resumers.add(change, ordering: .relaxed).oldValue
        if before == 0, change > 0 { keep(true, on: context) }
        guard before + change == 0 else { return }
        context.loop.schedule(after: ReplayRequest.grace) { [self] in
            if resumers.load(ordering: .relaxed) == 0 { keep(false, on: context) }
        }
    }

    private func keep(_ keeps: Bool, on context: LoopContext) {
        let (hub, limit) = (self.hub, keeps ? configuration.resumeHistory : HistoryLimit())
        isKeeping.store(keeps && limit.messages > 0, ordering: .relaxed)
        context.toHome(of: hub) { $0.keepHistory(of: hub, limit) }
        updateTaps(on: context)
    }

    // MARK: Presence

    /// Tells all but the one concerned that somebody came or went; may be told a little later where there are many.
    func announce(_ what: String, _ connection: Connection) {
        let text = ServerText.presence(what, connection.peer)
        connection.context.toHome(of: hub) { [self] in presence.value.add(text, on: $0) }
    }

    /// Who has just joined does not hear of those who came and went before.
    func omitPast(_ connection: Connection) {
        let (hub, session) = (hub, connection.id)
        connection.context.toHome(of: hub) { [self] in
            $0.leaveOutNext(presence.value.waitingCount, of: hub, for: session)
        }
    }

    /// The tap of a loop; on that loop only.
    func tap(of context: LoopContext) -> PocketsocketTap { taps[context.index].value }

    /// Sends a text to all clients; from anywhere.
    func publish(_ text: [UInt8]) {
        let index = broker.home(of: hub)
        let box = broker.context(index)
        broker.loops[index].execute { [self] in publish(text, on: box.value) }
    }

    /// The same from a loop of the broker.
    func publish(_ text: [UInt8], on context: LoopContext) {
        context.publish(format.frame(text), format: format, toOwn: hub)
        guard let trace = configuration.trace else { return }
        let hub = self.hub
        context.toLoop(broker.home(of: hub)) {
            trace(.sent(String(decoding: text, as: UTF8.self), receivers: $0.memberCount(of: hub)))
        }
    }

    /// Publishes to a room what the process says; from anywhere.
    func relay(_ event: String, _ payload: Payload, to room: String) {
        guard configuration.rooms.contains(room) else { return }
        let index = broker.home(of: room)
        let box = broker.context(index)
        broker.loops[index].execute { [self] in
            let context = box.value
            context.relay(event, payload, to: room, sender: .server, from: tap(of: context))
        }
    }
}

extension WebSocketFormat<VerbatimContent> {
    /// A text as a frame.
    func frame(_ text: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        encode(room: "", event: "", payload: Payload(.text, bytes: text), into: &frame)
        return frame
    }
}
