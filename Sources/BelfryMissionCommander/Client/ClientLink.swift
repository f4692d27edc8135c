// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// One attempt to connect and the connection that comes of it.
///
/// Loop-confined. Once closed it says nothing any more.
final class ClientLink: IOHandler {
    private enum Phase {
        case connecting, open
        /// Sends what is queued.
        case flushing
        /// Ends this side as soon as the kernel has the last byte.
        case finishing
        /// Waits for the server's end.
        case lingering
        case closed
    }

    private weak var owner: ClientCore?
    private let loop: EventLoop
    private let configuration: Client.Configuration
    private var phase = Phase.connecting
    private var handle = IOHandle.none
    private var lookUp: Task<Void, Never>?
    private var deadline: Int64 = 0
    private var addresses: ArraySlice<SocketAddress> = []
    private var timer: TimerID?

    private var decoder: FrameDecoder
    /// Goes out before anything that waits: the negotiation.
    private var preamble: [UInt8]?
    /// Goes out behind everything: `shutdown`.
    private var postamble: [UInt8]?
    private var isBusy = false

    init(owner: ClientCore, loop: EventLoop, configuration: Client.Configuration) {
        self.owner = owner
        self.loop = loop
        self.configuration = configuration
        // What a paused socket may still deliver is at most the loop's receive buffers, 4 MiB unless set otherwise.
        decoder = FrameDecoder(maxBodyBytes: configuration.maxBodyBytes, maxHeldBytes: 16 << 20)
    }

    // MARK: Connecting

    /// Looks the server up and tries its addresses in turn; ends in `linkStands` or `attemptFailed`.
    func connect(to endpoint: Endpoint) {
        deadline = loop.nowNanoseconds + configuration.connectTimeout.nanoseconds
        if case .address(let address) = endpoint {
            addresses = [address]
            return tryNext(IOError(.timedOut, "no time to connect"))
        }
        let (link, timeout) = (LoopConfined(onLoop: self, loop), configuration.connectTimeout)
        lookUp = Task(executorPreference: loop) {
            do throws(IOError) {
                let found = try await NameResolver.shared.resolve(endpoint, timeout: timeout)
                link.value.resolved(found)
            } catch {
                link.value.fail(error)
            }
        }
    }

    private func resolved(_ found: [SocketAddress]) {
        guard phase == .connecting else { return }
        // The protocol is one of IPv4; a name such as localhost has both kinds of address.
        let four = found.filter { if case .ipv4 = $0 { true } else { false } }
        addresses = four.isEmpty ? found[...] : four[...]
        tryNext(IOError(.timedOut, "no time to connect"))
    }

    private func tryNext(_ lastError: IOError) {
        let left = deadline - loop.nowNanoseconds
        guard let address = addresses.popFirst(), left > 0, let owner else { return fail(lastError) }
        do throws(IOError) {
            handle = try loop.connect(
                to: address,
                from: owner.localAddress(),
                timeout: .nanoseconds(left / Int64(addresses.count + 1)),
                handler: self
            )
            loop.setKeepAlive(configuration.keepAlive, of: handle)
        } catch {
            tryNext(error)
        }
    }

    private func fail(_ error: IOError) {
        guard phase == .connecting else { return }
        abort()
        owner?.attemptFailed(error)
    }

    func connected(_ handle: IOHandle) {
        guard phase == .connecting, handle == self.handle else { return }
        phase = .open
        loop.startReceiving(handle)
        owner?.linkStands()
    }

    // MARK: Receiving

    func received(_ bytes: Span<UInt8>, on handle: IOHandle) {
        // Behind a goodbye bytes are read only to see the end of the stream.
        guard phase == .open, let owner else { return }
        decoder.decode(bytes) { owner.received($0, $1) }
        afterDecoding()
    }

    /// Goes on where the owner held the decoder.
    func resumeReceiving() {
        guard phase == .open, decoder.isHeld, let owner else { return }
        decoder.resume { owner.received($0, $1) }
        if !decoder.isHeld { loop.startReceiving(handle) }
        afterDecoding()
    }

    private func afterDecoding() {
        guard phase == .open, decoder.isHeld else { return }
        loop.pauseReceiving(handle)
    }

    func ended(_ handle: IOHandle) { lost(nil) }

    private func lost(_ error: IOError?) {
        switch phase {
        case .connecting: tryNext(error ?? IOError(.closed, "the server hung up"))
        case .open:
            // What had arrived before is not to be lost with the link.
            if decoder.isHeld, let owner { decoder.resume { owner.receivedLast($0, $1) } }
            owner?.linkBroke(error)
        case .finishing:
            // The server was quicker than the kernel's report that all is sent.
            if error == nil { owner?.goodbyeIsOut() }
            owner?.linkBroke(error)
        case .flushing, .lingering: owner?.linkBroke(error)
        case .closed: break
        }
    }

    // MARK: Sending

    /// Sends the negotiation in one piece, before anything else.
    func introduce(with frame: [UInt8]) {
        preamble = frame
        pump()
    }

    /// Sends as much of what waits as the kernel takes.
    func pump() {
        guard phase == .open || phase == .flushing, let owner else { return }
        while !isBusy, let frame = preamble {
            guard send(ClientOutbox.batch([frame])) else { return }
            preamble = nil
        }
        while !isBusy, let (batch, count) = owner.outbox.nextBatch() {
            guard send(batch) else { return }
            owner.outbox.remove(count)
        }
        owner.outboxShrank()
        guard phase == .flushing, owner.outbox.isEmpty, preamble == nil else { return }
        if !isBusy, let frame = postamble {
            guard send(ClientOutbox.batch([frame])) else { return }
            postamble = nil
        }
        guard postamble == nil else { return }
        phase = .finishing
        loop.finish(handle)
    }

    /// False: not taken; `writable` tells when to try again.
    private func send(_ batch: SendBatch) -> Bool {
        switch loop.send(batch, on: handle) {
        case .queued: return true
        case .busy: isBusy = true
        case .closed: break
        }
        return false
    }

    func writable(_ handle: IOHandle) {
        guard handle == self.handle else { return }
        isBusy = false
        pump()
    }

    // MARK: Ending

    /// Sends what waits and a last frame, ends this side, and waits for the server to end its own.
    func sayGoodbye(with frame: [UInt8]) {
        guard phase == .open else { return }
        phase = .flushing
        postamble = frame
        // A server that is held back would not come to reading.
        loop.startReceiving(handle)
        timer = loop.schedule(after: configuration.flushTimeout) { [weak self] in self?.owner?.goodbyeTimedOut() }
        pump()
    }

    func finished(_ handle: IOHandle) {
        guard phase == .finishing, handle == self.handle else { return }
        phase = .lingering
        loop.cancel(timer)
        timer = loop.schedule(after: configuration.closeGrace) { [weak self] in self?.owner?.goodbyeIsOver() }
        owner?.goodbyeIsOut()
    }

    func failed(_ handle: IOHandle, _ error: IOError) {
        guard handle == self.handle else { return }
        if phase == .connecting {
            loop.close(handle)
            self.handle = .none
        }
        lost(error)
    }

    func closed(_ handle: IOHandle) {
        // Not by this link: the loop has stopped.
        guard handle == self.handle, phase != .closed else { return }
        phase = .closed
        owner?.loopStopped()
    }

    /// Closes at once, in any phase.
    func abort() {
        guard phase != .closed else { return }
        phase = .closed
        lookUp?.cancel()
        loop.cancel(timer)
        loop.close(handle)
    }
}
