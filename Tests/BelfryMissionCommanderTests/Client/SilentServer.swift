// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryTesting
import Logging
import Testing

@testable import BelfryIO

/// A listener on a simulated network that has no room for anybody.
actor SilentServer: LoopBound {
    nonisolated let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    /// Listens without accepting, with a backlog that is full already; its port.
    func listen() throws -> Int {
        let recorder = RecordingHandler(loop)
        let listener = try loop.listen(on: .loopback(port: 0), backlog: 1, handler: recorder)
        try loop.onLoop { core throws(IOError) in core.reactor.pause(.accept, on: listener) }
        let address = try #require(loop.localAddress(of: listener))
        _ = try loop.connect(to: address, handler: recorder)
        return Int(address.port ?? 0)
    }
}

extension Logger {
    /// For tests that make something log.
    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }
}
