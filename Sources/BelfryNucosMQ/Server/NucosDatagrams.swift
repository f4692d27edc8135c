// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryJSON
import Logging

/// The datagrams of a server with `udp`: every message of each goes to the application (nucosMQ wire, §7).
///
/// Loop-confined. Nothing is carried over from one datagram to the next.
final class NucosDatagrams: IOHandler {
    private let shared: NucosShared
    private unowned let loop: EventLoop
    private var handle = IOHandle.none
    private let gone = Parker<Void>()
    private var complaints = 0

    init(shared: NucosShared, loop: EventLoop) {
        self.shared = shared
        self.loop = loop
    }

    /// Binds and starts receiving.
    ///
    /// - Returns: The address, with the port that the kernel chose for port 0.
    func bind() throws(IOError) -> SocketAddress {
        let wanted = shared.configuration.address
        handle = try loop.bindDatagrams(to: wanted, handler: self)
        return loop.localAddress(of: handle) ?? wanted
    }

    /// Returns when the port is free again.
    func close() async {
        loop.close(handle)
        _ = await gone.park()
    }

    func closed(_ handle: IOHandle) { gone.unpark() }

    func failed(_ handle: IOHandle, _ error: IOError) { complain("the socket failed: \(error.message)") }

    func received(_ bytes: Span<UInt8>, from sender: SocketAddress, on handle: IOHandle) {
        var decoder = NucosDecoder(maxFrameBytes: max(64, shared.configuration.maxFrameBytes))
        decoder.decode(bytes) { part, bytes in
            switch part {
            case .frame(let frame): deliver(frame, bytes)
            case .malformed(let fault): complain("\(fault)")
            case .tooLong: complain("longer than maxFrameBytes")
            }
            return .next
        }
        if decoder.bufferedBytes > 0 { complain("its last message has no end") }
    }

    private func deliver(_ frame: NucosFrame, _ bytes: Span<UInt8>) {
        let event = NucosEvent(
            session: SessionID(0),
            uid: nil,
            event: frame.eventName.string(in: bytes),
            content: frame.payload(in: bytes)
        )
        var next = 0
        while let full = shared.deliver(event, from: next) {
            // A datagram cannot be held back, and may be lost anyway.
            complain("the application is too slow")
            next = full + 1
        }
    }

    /// Logs the first few, then every thousandth.
    private func complain(_ reason: @autoclosure () -> String) {
        complaints += 1
        guard complaints <= 5 || complaints % 1_000 == 0 else { return }
        shared.logger.info(
            "A datagram, or a message of one, was dropped.",
            metadata: ["reason": "\(reason())", "count": "\(complaints)"]
        )
    }
}
