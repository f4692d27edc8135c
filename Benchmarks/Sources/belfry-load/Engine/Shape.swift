// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc

/// The connections and rooms of a workload.
struct Shape {
    /// Rooms, each with its publisher.
    var groups: Int
    /// Subscribers of each room.
    var subscribers: Int
    /// Messages outstanding in each room.
    var window: Int
    /// Whether the subscriber publishes itself where the wire lets it.
    var publishesToItself: Bool
    /// Whether a publisher joins its room where the wire asks for it; its own copies are never counted.
    var publisherJoins = true
    /// Bytes of a payload.
    var payload: Int
    /// Whether the load generator polls instead of sleeping.
    var spins: Bool
    /// Messages per second of each publisher; nil for the closed loop.
    var rate: Double?

    /// Whether others may join meanwhile, so that acknowledgements that count receivers change, though not in length.
    var mayGrow = false

    /// Opens every connection and has one message go round in every room, to learn what its frame looks like.
    func open(host: String, port: UInt16, wire: any Wire) throws -> LoadEngine {
        guard self.groups == 1 || !wire.hasOneRoom else { throw LoadError("\(wire.name) has one room only") }
        var connections: [Connection] = []
        var groups: [Group] = []
        for index in 0..<self.groups {
            let digits = String(index)
            let room = "r" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
            let first = connections.count
            var open: [BlockingConnection] = []
            for _ in 0..<subscribers {
                open.append(try BlockingConnection(host: host, port: port, wire: wire, room: room))
                if wire.announces, open.count % 64 == 0 { try Self.hearAnnouncements(&open) }
            }
            let isShared = publishesToItself && !wire.needsSeparatePublisher
            let joins = wire.publisherMustJoin && publisherJoins
            if !isShared {
                open.append(try BlockingConnection(host: host, port: port, wire: wire, room: joins ? room : nil))
            }
            if wire.announces { try Self.hearAllAnnouncements(&open) }
            let publisher = open.count - 1
            let sample = Stamp.payload(0, size: payload)
            let publication = wire.publication(room: room, payload: sample, identity: open[publisher].identity)
            let questions = open.map { wire.question(room: room, identity: $0.identity) }
            for member in 0..<subscribers { try open[member].send(questions[member]) }
            try open[publisher].send(publication)
            for member in open.indices {
                var frame: [UInt8] = []
                var receipts: ReceiptCounter?
                var stampOffset: Int?
                if member < subscribers || joins {
                    (frame, stampOffset) = try Self.delivery(from: &open[member], of: sample)
                } else if wire.acknowledges {
                    let answer = try open[member].next()
                    guard answer.item == .acknowledgement else { throw LoadError("unexpected \(answer.item)") }
                    receipts = wire.receipts(first: answer.frame)
                    if receipts == nil { frame = answer.frame }
                }
                guard open[member].isDrained else { throw LoadError("more than one delivery of one message") }
                if member < subscribers { try open[member].send(questions[member]) }
                connections.append(
                    Connection(
                        descriptor: open[member].descriptor,
                        group: index,
                        isCounted: member < subscribers,
                        mayDiscard: !frame.isEmpty && (wire.interlude.isEmpty || open[member].interludes > 0),
                        counter: FrameCounter(
                            frame: frame,
                            stampOffset: stampOffset,
                            interlude: wire.interlude,
                            varying: wire.varying(in: frame),
                            countsOnly: mayGrow && stampOffset == nil
                        ),
                        receipts: receipts,
                        question: member < subscribers ? questions[member] : []
                    )
                )
            }
            guard let stamp = wire.stamp(in: publication, payload: sample) else {
                throw LoadError("a publication without payload")
            }
            groups.append(
                Group(
                    publisher: first + publisher,
                    members: first..<(first + subscribers),
                    window: window,
                    publication: publication,
                    stamp: stamp
                )
            )
        }
        return try LoadEngine(wire: wire, connections: connections, groups: groups, spins: spins, rate: rate)
    }

    private static func hearAnnouncements(_ open: inout [BlockingConnection]) throws {
        for index in open.indices { try open[index].takeInterludes() }
    }

    /// Waits until each pair of connections has been told of the later one, so that nothing else comes in a run.
    private static func hearAllAnnouncements(_ open: inout [BlockingConnection]) throws {
        let wanted = open.count * (open.count - 1) / 2
        let end = cload_now() + 5_000_000_000
        while true {
            try hearAnnouncements(&open)
            let heard = open.reduce(0) { $0 + $1.interludes }
            if heard == wanted { return }
            guard heard < wanted, cload_now() < end else {
                throw LoadError("\(heard) announcements of newcomers came where \(wanted) should")
            }
            usleep(1_000)
        }
    }

    private static func delivery(
        from connection: inout BlockingConnection,
        of sample: [UInt8]
    ) throws -> (frame: [UInt8], stampOffset: Int) {
        let (item, frame) = try connection.next()
        guard case .delivery(let payload) = item, frame[payload].elementsEqual(sample) else {
            throw LoadError("the first message did not come back as it went: \(String(decoding: frame, as: UTF8.self))")
        }
        return (frame, payload.lowerBound)
    }
}
