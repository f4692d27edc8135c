// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO

/// Two ends of a connection that stands, both on one loop, each with its recorder.
package struct ConnectedPair {
    /// The end that connected.
    package let client: IOHandle
    /// What the connecting end heard.
    package let clientSide: RecordingHandler
    /// The end that was accepted.
    package let server: IOHandle
    /// What the accepted end and the listener heard.
    package let serverSide: RecordingHandler
    /// The listener, still open.
    package let listener: IOHandle
}

extension LoopBench {
    /// A recorder for this loop.
    package func recorder() -> RecordingHandler { RecordingHandler(loop) }

    /// Listens; the handle and the address with the port that was given.
    package func listen(
        on address: SocketAddress = .loopback(port: 0),
        _ handler: any IOHandler
    ) throws(IOError) -> (handle: IOHandle, address: SocketAddress) {
        let handle = try loop.listen(on: address, handler: handler)
        guard let bound = loop.localAddress(of: handle) else { throw IOError(.badAddress, "no address for \(address)") }
        return (handle, bound)
    }

    /// Connects two ends; receiving starts where asked for.
    package func pair(
        on address: SocketAddress = .loopback(port: 0),
        clientReceives: Bool = true,
        serverReceives: Bool = true
    ) async throws -> ConnectedPair {
        let serverSide = recorder()
        let clientSide = recorder()
        if !serverReceives { serverSide.onAccept = { _ in } }
        let (listener, bound) = try listen(on: address, serverSide)
        let client = try loop.connect(to: bound, handler: clientSide)
        try await until("a connection") { !serverSide.accepted.isEmpty && !clientSide.connected.isEmpty }
        if clientReceives { loop.startReceiving(client) }
        return ConnectedPair(
            client: client,
            clientSide: clientSide,
            server: serverSide.accepted[0],
            serverSide: serverSide,
            listener: listener
        )
    }

    /// Sends a copy of `bytes`.
    @discardableResult
    package func send(_ bytes: [UInt8], on handle: IOHandle) -> SendAdmission {
        loop.send(SendBatch(copying: bytes), on: handle)
    }
}
