// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BelfryIO

/// A listener for tests whose connections are `TCPConnection`s too.
actor Acceptor: LoopBound {
    nonisolated let loop: EventLoop
    private let configuration: TCPConnection.Configuration
    private var taken: [TCPConnection] = []
    private let arrival = Parker<Void>()
    private var subject: TCPConnection?
    private let subjectSet = Parker<Void>()
    private let listenerGone = Parker<Void>()

    init(loop: EventLoop, configuration: TCPConnection.Configuration) {
        self.loop = loop
        self.configuration = configuration
    }

    func listen() throws -> (IOHandle, SocketAddress) {
        let handler = Handler(owner: self)
        let handle = try loop.listen(on: .loopback(port: 0), handler: handler)
        let address = try #require(loop.localAddress(of: handle))
        return (handle, address)
    }

    /// The next connection that was accepted.
    func next() async -> TCPConnection {
        while taken.isEmpty { _ = await arrival.park() }
        return taken.removeFirst()
    }

    /// Names the connection that a test looks at from outside its scope.
    func watch(_ connection: TCPConnection) {
        subject = connection
        subjectSet.unpark()
    }

    func watched() async -> TCPConnection {
        while true {
            if let subject { return subject }
            _ = await subjectSet.park()
        }
    }

    func closeAll(_ listener: IOHandle) async {
        for connection in taken { await connection.abort() }
        taken = []
        loop.close(listener)
        _ = await listenerGone.park()
    }

    var openHandles: Int { loop.statistics.openHandles }

    private func took(_ handle: IOHandle) {
        taken.append(TCPConnection(adopting: handle, on: loop, configuration: configuration))
        arrival.unpark()
    }

    private final class Handler: IOHandler {
        let owner: Acceptor
        init(owner: Acceptor) { self.owner = owner }

        func accepted(_ connection: IOHandle, on listener: IOHandle) {
            owner.assumeIsolated { $0.took(connection) }
        }

        func closed(_ handle: IOHandle) {
            owner.assumeIsolated { _ = $0.listenerGone.unpark() }
        }
    }
}
