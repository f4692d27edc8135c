// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a server may say, as far as a load generator cares.
enum WireItem: Equatable {
    /// An introduction or an acceptance that means nothing further.
    case greeting
    /// The answer to the opening: the connection is subscribed (or just open) from here on.
    case ready
    /// A message; where its payload stands, counted from the start of the frame.
    case delivery(payload: Range<Int>)
    /// The answer to one publication.
    case acknowledgement
    /// A sign of life the server asks for unasked.
    case interlude
}

/// One protocol, spoken just well enough to load a server with it.
///
/// Parsing is for the set-up of a run and for learning what a frame looks like; the measured phase counts bytes.
protocol Wire: Sendable {
    /// What the command line calls it.
    var name: String { get }
    /// Whether a publisher gets an answer to each publication.
    var acknowledges: Bool { get }
    /// Whether a subscribed connection may not publish.
    var needsSeparatePublisher: Bool { get }
    /// Whether a connection must be subscribed to a room to publish there.
    var publisherMustJoin: Bool { get }
    /// Whether all clients of a server are in one room, whatever it is called.
    var hasOneRoom: Bool { get }
    /// Whether every client is told, by an interlude of any length, of each that comes.
    var announces: Bool { get }
    /// The bytes of a ``WireItem/interlude`` that may come in the middle of a run; empty if the server never sends one.
    var interlude: [UInt8] { get }
    /// What an interlude is answered with.
    var interludeAnswer: [UInt8] { get }

    /// Whether the opening has no answer: the connection counts as subscribed from then on.
    var opensSilently: Bool { get }
    /// What an idle session may say unasked, to show that it is there; empty where no server asks for that.
    var signOfLife: [UInt8] { get }
    /// What a connection says before it closes.
    var farewell: [UInt8] { get }

    /// What a fresh connection says, so that the server ends its answer with ``WireItem/ready``.
    func opening(room: String?) -> [UInt8]
    /// The same with an answer in any case: these very bytes, or ``WireItem/ready`` if there are none.
    func introduction(_ number: Int) -> (bytes: [UInt8], answer: [UInt8]?)
    /// What a greeting is answered with, before anything else can be said; `identity` is what the connection was given.
    func answer(toGreetingOf identity: String?, room: String?) -> [UInt8]
    /// What a greeting calls the connection, where it has to say so from then on.
    func identity(in greeting: [UInt8]) -> String?
    /// What asks for the next message, where a server sends none unasked; empty elsewhere.
    func question(room: String, identity: String?) -> [UInt8]
    /// A message with an ASCII payload, ready to send.
    func publication(room: String, payload: [UInt8]) -> [UInt8]
    /// The same from a connection that has to say who it is.
    func publication(room: String, payload: [UInt8], identity: String?) -> [UInt8]
    /// Where the stamp of a publication stands, and what each eight bytes from there are XORed with.
    func stamp(in publication: [UInt8], payload: [UInt8]) -> (offset: Int, mask: UInt64)?
    /// Where in what a server says it may write something else each time, as long as before.
    func varying(in frame: [UInt8]) -> Range<Int>?
    /// What counts a publisher's acknowledgements, if they have no fixed length.
    func receipts(first: [UInt8]) -> ReceiptCounter?
    /// The first item in `bytes` and its length, or nothing if it is not there in full.
    func parse(_ bytes: ArraySlice<UInt8>) throws -> (item: WireItem, length: Int)?
}

extension Wire {
    var acknowledges: Bool { false }
    var needsSeparatePublisher: Bool { false }
    var publisherMustJoin: Bool { false }
    var hasOneRoom: Bool { false }
    var announces: Bool { false }
    var interlude: [UInt8] { [] }
    var interludeAnswer: [UInt8] { [] }
    var opensSilently: Bool { false }
    var signOfLife: [UInt8] { [] }
    var farewell: [UInt8] { [] }

    func introduction(_ number: Int) -> (bytes: [UInt8], answer: [UInt8]?) { (opening(room: "r00000"), nil) }

    func stamp(in publication: [UInt8], payload: [UInt8]) -> (offset: Int, mask: UInt64)? {
        publication[...].end(of: payload).map { ($0 - payload.count, 0) }
    }

    func receipts(first: [UInt8]) -> ReceiptCounter? { nil }
    func varying(in frame: [UInt8]) -> Range<Int>? { nil }
    func answer(toGreetingOf identity: String?, room: String?) -> [UInt8] { [] }
    func identity(in greeting: [UInt8]) -> String? { nil }
    func question(room: String, identity: String?) -> [UInt8] { [] }
    func publication(room: String, payload: [UInt8], identity: String?) -> [UInt8] {
        publication(room: room, payload: payload)
    }
}

/// Every wire by its name.
enum Wires {
    static let all: [any Wire] = [
        NucosMQWire(), MissionCommanderWire(), NatsWire(), RespWire(), MqttWire(),
        WebSocketWire.pocketsocket, WebSocketWire.broadcaster, WebSocketWire.echoing, HTTPWire(), WatchboxWire(),
    ]

    static func named(_ name: String) throws -> any Wire {
        guard let wire = all.first(where: { $0.name == name }) else {
            throw LoadError("no wire is called \(name); there are \(all.map(\.name).joined(separator: ", "))")
        }
        return wire
    }
}

extension ArraySlice<UInt8> {
    /// The index just behind the first occurrence of `delimiter`.
    func end(of delimiter: [UInt8]) -> Int? {
        guard count >= delimiter.count else { return nil }
        for start in startIndex...(endIndex - delimiter.count) where self[start...].starts(with: delimiter) {
            return start + delimiter.count
        }
        return nil
    }
}
