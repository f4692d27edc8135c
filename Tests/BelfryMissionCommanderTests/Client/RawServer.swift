// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import BelfryTesting
import Logging
import Testing

/// A server by hand, on a test's loop: it accepts, writes down what comes, and says what it is told to.
///
/// Loop-confined.
final class RawServer {
    let bench: LoopBench
    let side: RecordingHandler
    let address: SocketAddress
    private var listener: IOHandle
    private var outgoing: [UInt8] = []

    init(_ bench: isolated LoopBench, on wanted: SocketAddress = .ownHost) throws {
        self.bench = bench
        side = bench.recorder()
        (listener, address) = try bench.listen(on: wanted, side)
        side.onWritable = { [weak self] _ in self?.pump() }
    }

    var port: Int { Int(address.port ?? 0) }
    var loop: EventLoop { bench.loop }
    /// The newest connection.
    var newest: IOHandle { side.accepted.last ?? .none }

    /// Sends frames to the newest connection.
    func send(_ frames: [UInt8]...) {
        outgoing += frames.flatMap(\.self)
        pump()
    }

    private func pump() {
        guard !outgoing.isEmpty, case .queued = loop.send(SendBatch(copying: outgoing), on: newest) else { return }
        outgoing = []
    }

    func send(_ subject: String, _ json: String) throws {
        send(try FrameEncoder.frame(subject: subject, payload: .json(json)))
    }

    /// The subjects and bodies that came over a connection.
    func frames(of handle: IOHandle) -> [String] {
        var found: [String] = []
        var decoder = FrameDecoder()
        let bytes = side.bytes[handle] ?? []
        decoder.decode(bytes.span) { part, body in
            switch SeenFrame(part, body) {
            case .frame(let subject, let value): found.append("\(subject) \(value)")
            default: found.append("broken")
            }
            return .next
        }
        return found
    }

    /// Those of the newest connection.
    var frames: [String] { frames(of: newest) }

    /// Breaks every connection that is open, without a word.
    func breakLinks() {
        for handle in side.accepted where !side.closed.contains(handle) { loop.close(handle) }
    }

    /// Ends as a server that is killed: no listener, no connection.
    func kill(_ bench: isolated LoopBench) async throws {
        loop.close(listener)
        breakLinks()
        try await bench.until("all closed") { [side, listener] in
            side.closed.contains(listener) && side.accepted.allSatisfy(side.closed.contains)
        }
    }

    /// Listens again where it did.
    func restart() throws { listener = try loop.listen(on: address, handler: side) }
}

/// What a client's test starts with: its states and events from the beginning.
struct WatchedClient {
    let client: Client
    let states: Queue<ClientStateTransition>.Iterator
    private let events: Queue<ClientEvent>
    private let changes: Queue<ClientStateTransition>

    init(_ client: Client) {
        self.client = client
        events = client.events(limit: 10_000)
        changes = client.states
        states = changes.makeAsyncIterator()
    }

    /// The states from now on, up to and including one.
    func states(to last: Int) async throws -> [Int] {
        var found: [Int] = []
        for try await case .element(let change) in changes {
            found.append(change.to.rawValue)
            if change.to.rawValue == last { break }
        }
        return found
    }

    /// The events besides state changes from now on, until `count` have come.
    func events(_ count: Int) async throws -> [ClientEvent] {
        var found: [ClientEvent] = []
        guard count > 0 else { return found }
        for try await case .element(let event) in events where event.verb != .stateChange {
            found.append(event)
            if found.count == count { break }
        }
        return found
    }
}

/// Runs `body` with a server by hand and a client that knows it as "me"; ends both.
func withRawServer(
    _ backend: BackendKind,
    attemptReconnect: Bool = true,
    reconnect: ReconnectPolicy = .quick,
    configure: (inout Client.Configuration) -> Void = { _ in },
    _ body: @Sendable (isolated LoopBench, RawServer, WatchedClient) async throws -> Void
) async throws {
    var configuration = Client.Configuration()
    configuration.reconnectSpread = .zero
    configure(&configuration)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let client = try Client(
        attemptReconnect: attemptReconnect,
        reconnect: reconnect,
        io: backend.choice,
        configuration: configuration,
        logger: logger
    )
    do {
        try await withLoop(backend) { bench in
            let server = try RawServer(bench)
            try await client.setAddress(server.address.host)
            try await client.setPort(server.port)
            try await client.setClientID("me")
            try await body(bench, server, WatchedClient(client))
        }
    } catch {
        await client.shutDown()
        throw error
    }
    await client.shutDown()
}

extension ReconnectPolicy {
    /// For tests: back within milliseconds.
    static var quick: ReconnectPolicy {
        var policy = ReconnectPolicy()
        policy.firstPause = .milliseconds(1)
        policy.maxPause = .milliseconds(20)
        return policy
    }
}

extension SocketAddress {
    private static let hosts = Lock<UInt32>(0)

    /// A loopback address that no other test listens on: nobody else takes a port there that a test gave up for a while.
    static var ownHost: SocketAddress {
        let number = hosts.withLock { count in
            count += 1
            return count
        }
        return .ipv4(0x7F01_0000 + number, port: 0)
    }
}
