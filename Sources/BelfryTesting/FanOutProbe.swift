// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
public import BelfryIO
import Logging

/// A room with subscribers on the simulated network, to measure what a publish costs without a kernel: append, pump and
/// delivery.
///
/// On one loop of its own. `publish` returns when every subscriber has every byte.
public actor FanOutProbe: LoopBound {
    /// The loop that everything is on.
    public nonisolated let loop: EventLoop
    private let broker: Broker
    private let room: Room
    private let payload = Payload.text(String(repeating: "x", count: 128))
    private var sinks: [ByteSink] = []
    private var frameBytes = 0
    private let delivered = Parker<Void>()

    /// Starts a broker with `subscribers` connections in one room.
    public init(subscribers: Int) async throws {
        var configuration = BrokerConfiguration(io: .simulated(seed: 1), loops: 1)
        configuration.drainTimeout = .zero
        var logger = Logger(label: "belfry.probe")
        logger.logLevel = .critical
        broker = try Broker(configuration: configuration, logger: logger)
        loop = broker.loop
        room = try await broker.room("probe")
        try await open(subscribers)
    }

    private func open(_ count: Int) async throws {
        let address = try await broker.listen(on: .loopback(port: 0), frontEnd: LineFrontEnd()).address
        for _ in 0..<count {
            let sink = ByteSink(loop: loop)
            let handle = try loop.connect(to: address, handler: sink)
            sink.handle = handle
            sinks.append(sink)
        }
        try await eventually("every subscriber in the room") { await self.room.memberCount == count }
        let before = received
        try await room.publish(event: "m", payload)
        try await eventually("the first message everywhere") { self.received > before }
        frameBytes = (received - before) / max(count, 1)
    }

    private var received: Int { sinks.reduce(0) { $0 + $1.bytes } }

    /// Publishes `count` messages of 128 bytes in one turn, and waits until they have arrived everywhere.
    public func publish(_ count: Int) async throws {
        let target = (sinks.last?.bytes ?? 0) + count * frameBytes
        for _ in 0..<count { try await room.publish(event: "m", payload) }
        guard let last = sinks.last else { return }
        last.wake = (target, delivered)
        _ = await delivered.park()
    }

    /// Stops the broker.
    public func shutDown() async { await broker.shutDown() }
}

/// A subscriber that counts what it gets.
///
/// Loop-confined.
private final class ByteSink: IOHandler {
    private let loop: EventLoop
    var handle = IOHandle.none
    private(set) var bytes = 0
    /// Who waits for a count of bytes.
    var wake: (target: Int, parker: Parker<Void>)?

    init(loop: EventLoop) { self.loop = loop }

    func connected(_ handle: IOHandle) {
        loop.startReceiving(handle)
        _ = loop.send(SendBatch(copying: Array("JOIN probe\n".utf8)), on: handle)
    }

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        self.bytes += bytes.count
        if let (target, parker) = wake, self.bytes >= target {
            wake = nil
            parker.unpark()
        }
    }

    func failed(_ handle: IOHandle, _ error: IOError) { loop.close(handle) }
    func ended(_ handle: IOHandle) { loop.close(handle) }
}
