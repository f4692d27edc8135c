// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import HTTPTypes
import Logging

/// What all connections of one HTTP server share; the front-end that the broker sees.
final class HTTPShared: FrontEnd {
    let name: String
    let configuration: HTTPServerConfiguration
    let limits: HTTPRequestDecoder.Limits
    let router: Router
    let readiness: Readiness
    let logger: Logger
    let counters: HTTPCounters

    init(
        configuration: HTTPServerConfiguration,
        router: Router,
        readiness: Readiness,
        number: UInt64,
        logger: Logger,
        counters: HTTPCounters
    ) {
        self.configuration = configuration
        limits = configuration.limits
        self.router = router
        self.readiness = readiness
        self.logger = logger
        self.counters = counters
        // Told apart from a second server on the same broker.
        name = "http-\(number)"
    }

    func makeHandler(for connection: Connection) -> any ConnectionHandler {
        let loop = connection.context.loop
        return HTTPConnection(connection, shared: self, scratch: loop.local { HTTPScratch() })
    }
}

/// What all HTTP connections of one loop share; loop-confined.
final class HTTPScratch {
    /// Answers of the connection that is at work, until it hands them to the broker's connection.
    var output: [UInt8] = []
    private var date: [UInt8] = []
    private var second: Int64 = -1

    /// The `Date` line, made anew once a second of the loop's clock.
    func date(now: Int64) -> [UInt8] {
        let current = now / 1_000_000_000
        if current != second {
            second = current
            date = Array("Date: \(HTTPDate.text(WallTime.nanoseconds() / 1_000_000_000))\r\n".utf8)
        }
        return date
    }
}
