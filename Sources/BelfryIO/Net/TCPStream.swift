// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// The loop's side of a `TCPConnection`: buffers, back-pressure both ways, and the order of closing.
///
/// Loop-confined.
final class TCPStream: IOHandler {
    private unowned let loop: EventLoop
    private let configuration: TCPConnection.Configuration
    private var handle = IOHandle.none
    private var phase = Phase.idle
    private var failure: IOError?

    private var arrived: Deque<[UInt8]> = []
    private(set) var receivedBytes = 0
    private(set) var isPaused = false
    private var hasPeerEnded = false
    private let reader = Parker<Void>()

    private var outbound = OutboundBytes()
    private var isSending = false
    private var senders: [Parker<Void>] = []

    private let standing = Parker<Void>()
    private let gone = Parker<Void>()
    private var timer: TimerID?

    private enum Phase {
        case idle, connecting, open
        /// Sends what is queued, then ends this side.
        case flushing
        /// Waits for the peer's end.
        case lingering
        case closing, closed
    }

    init(loop: EventLoop, configuration: TCPConnection.Configuration) {
        self.loop = loop
        self.configuration = configuration
    }

    var isHoldingSenders: Bool { !senders.isEmpty }

    // MARK: Opening

    func adopt(_ handle: IOHandle) {
        self.handle = handle
        phase = .open
        loop.setHandler(self, of: handle)
        loop.startReceiving(handle)
    }

    func connect(to address: SocketAddress) async throws(IOError) {
        phase = .connecting
        do throws(IOError) {
            handle = try loop.connect(to: address, timeout: configuration.connectTimeout, handler: self)
        } catch {
            phase = .closed
            throw error
        }
        if case .cancelled = await standing.park() {
            throw IOError(.closed, "cancelled while connecting to \(address)")
        }
        if let failure { throw failure }
    }

    func connected(_ handle: IOHandle) {
        guard phase == .connecting else { return }
        phase = .open
        loop.startReceiving(handle)
        standing.unpark()
    }

    // MARK: Receiving

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        // What comes after the scope's end is read only to see the end of the stream behind it.
        guard phase == .open else { return }
        arrived.append(unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) })
        receivedBytes += bytes.count
        if receivedBytes >= configuration.maxReceivedBytes, !isPaused {
            isPaused = true
            loop.pauseReceiving(handle)
        }
        reader.unpark()
    }

    func next() async throws(IOError) -> [UInt8]? {
        while true {
            if let chunk = arrived.popFirst() {
                receivedBytes -= chunk.count
                resumeReceiving(below: configuration.maxReceivedBytes / 2)
                return chunk
            }
            if let failure { throw failure }
            guard phase == .open, !hasPeerEnded else { return nil }
            if case .cancelled = await reader.park() { return nil }
        }
    }

    private func resumeReceiving(below mark: Int) {
        guard isPaused, receivedBytes <= mark else { return }
        isPaused = false
        loop.startReceiving(handle)
    }

    func ended(_ handle: IOHandle) {
        hasPeerEnded = true
        reader.unpark()
        if phase == .lingering { abort() }
    }

    // MARK: Sending

    func send(_ bytes: [UInt8]) async throws(IOError) {
        while phase == .open, outbound.byteCount > configuration.maxPendingBytes {
            let parker = Parker<Void>()
            senders.append(parker)
            if case .cancelled = await parker.park() {
                senders.removeAll { $0 === parker }
                throw IOError(.closed, "cancelled while waiting for a slow peer")
            }
        }
        guard phase == .open else { throw failure ?? IOError(.closed, "the connection is closed") }
        outbound.append(bytes.span)
        pump()
    }

    private func pump() {
        while !isSending, let batch = outbound.next {
            switch loop.send(batch, on: handle) {
            case .queued:
                outbound.removeNext()
                // Asked again at once, so that `writable` tells when this one is done.
                isSending = loop.send(OutboundBytes.nothing, on: handle) == .busy
            case .busy: isSending = true
            case .closed: return
            }
        }
        if outbound.byteCount <= configuration.maxPendingBytes { wakeSenders() }
        if phase == .flushing, !isSending, outbound.next == nil { linger() }
    }

    private func wakeSenders() {
        let waiting = senders
        senders = []
        for sender in waiting { sender.unpark() }
    }

    func writable(_ handle: IOHandle) {
        isSending = false
        pump()
    }

    // MARK: Closing

    /// Sends what is queued, ends this side, and waits for the peer to end its own.
    func close() {
        guard phase == .open else { return abort() }
        phase = .flushing
        arrived = []
        receivedBytes = 0
        resumeReceiving(below: 0)
        wakeSenders()
        closeLater(than: configuration.flushTimeout)
        pump()
    }

    private func linger() {
        phase = .lingering
        loop.finish(handle)
        if hasPeerEnded { return abort() }
        closeLater(than: configuration.closeGrace)
    }

    private func closeLater(than limit: Duration) {
        loop.cancel(timer)
        timer = loop.schedule(after: limit) { [weak self] in
            self?.timer = nil
            self?.abort()
        }
    }

    func abort() {
        switch phase {
        case .idle: phase = .closed
        case .closing, .closed: break
        case .connecting, .open, .flushing, .lingering:
            phase = .closing
            loop.cancel(timer)
            loop.close(handle)
        }
    }

    func failed(_ handle: IOHandle, _ error: IOError) {
        failure = failure ?? error
        if phase == .connecting { standing.unpark() }
        abort()
        wakeAll()
    }

    func closed(_ handle: IOHandle) {
        loop.cancel(timer)
        if phase == .connecting || phase == .open {
            failure = failure ?? IOError(.closed, "the event loop has stopped")
        }
        if phase == .connecting { standing.unpark() }
        phase = .closed
        outbound = OutboundBytes()
        wakeAll()
        gone.unpark()
    }

    private func wakeAll() {
        reader.unpark()
        wakeSenders()
    }

    func waitUntilClosed() async {
        while phase != .closed { _ = await gone.park() }
    }
}
