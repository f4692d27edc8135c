// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryIO
import BelfryJSON
public import Logging

/// Sends events to a nucosMQ server by datagrams: no connection, no handshake, no rooms, no answers.
///
/// An original server reads at most 1,024 bytes of a datagram.
public actor NucosClientUDP: LoopBound {
    /// The most bytes that a datagram, and so a message, has.
    public static let maxDatagramBytes = 65_507

    /// The loop that serves the socket; the actor lives on it.
    public nonisolated let loop: EventLoop
    /// What the client calls itself; it is not sent.
    public nonisolated let uid: String
    private nonisolated let endpoint: Endpoint
    private nonisolated let ownGroup: EventLoopGroup?
    private var socket: (handle: IOHandle, server: SocketAddress)?

    /// Makes a client; it sends after ``start(timeout:)``.
    ///
    /// - Parameters:
    ///   - host: A name, or an IPv4 or IPv6 address.
    ///   - port: The server's port.
    ///   - uid: What the client calls itself.
    ///   - io: Which engine, for an event loop of its own.
    ///   - group: Whose loops to use instead.
    ///   - logger: Hears of a fallback to another engine.
    /// - Throws: ``IOError`` `.badAddress`, `.unavailable` when an explicit engine cannot be had.
    public init(
        host: String,
        port: UInt16,
        uid: String = "",
        io: IOChoice = .automatic,
        group: EventLoopGroup? = nil,
        logger: Logger = Logger(label: "belfry.nucosmq")
    ) throws(IOError) {
        endpoint = try NucosClient.endpoint(host, port)
        ownGroup = group == nil ? try EventLoopGroup(io, count: 1, logger: logger) : nil
        guard let loop = (group ?? ownGroup)?.loops.randomElement() else {
            throw IOError(.unavailable, "the group has no event loop")
        }
        self.loop = loop
        self.uid = uid
    }

    deinit {
        let (loop, handle, group) = (loop, socket?.handle, ownGroup)
        loop.execute {
            if let handle { loop.close(handle) }
            for loop in group?.loops ?? [] { loop.stop() }
        }
    }

    /// Looks the server's name up and opens a socket; nobody has to be there.
    ///
    /// - Parameter timeout: For the look-up.
    /// - Throws: ``IOError`` `.nameNotResolved`, `.timedOut`, `.tooManyDescriptors`.
    public func start(timeout: Duration = .seconds(60)) async throws(IOError) {
        guard socket == nil else { return }
        let addresses = try await NameResolver.shared.resolve(endpoint, timeout: timeout)
        guard socket == nil else { return }
        guard let server = addresses.first else { throw IOError(.nameNotResolved, "\(endpoint) has no address") }
        let any: SocketAddress
        switch server {
        case .ipv4: any = .ipv4(0, port: 0)
        case .ipv6: any = .ipv6(high: 0, low: 0, port: 0, scope: 0)
        case .unix: throw IOError(.badAddress, "datagrams go over IPv4 or IPv6")
        }
        socket = (try loop.bindDatagrams(to: any, handler: NucosDeafHandler()), server)
    }

    /// Sends one event in one datagram.
    ///
    /// - Returns: false before `start` and after `close`, when the content is no JSON, the message longer than
    ///   ``maxDatagramBytes``, or the kernel has no room; true says that it left, not that it arrives.
    @discardableResult
    public func send(event: String, content: Payload) -> Bool {
        guard let socket else { return false }
        if content.kind == .json, (try? JSONScanner.validate(content.bytes.span)) == nil { return false }
        var frame: [UInt8] = []
        NucosFormat().encode(room: "", event: event, payload: content, into: &frame)
        guard frame.count <= Self.maxDatagramBytes else { return false }
        return loop.sendDatagram(frame.span, to: socket.server, on: socket.handle)
    }

    /// Sends `shutdown`, as the original does, and closes the socket.
    public func close() {
        guard let socket else { return }
        self.socket = nil
        let last = NucosControl.shutdownNow
        _ = loop.sendDatagram(last.span, to: socket.server, on: socket.handle)
        loop.close(socket.handle)
    }

    /// Whether it is started and not closed; of the server nothing is known.
    public var isConnected: Bool { socket != nil }
}

/// Hears nothing: no server answers.
private final class NucosDeafHandler: IOHandler {}
