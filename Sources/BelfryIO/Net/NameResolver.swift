// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Looks up host names on threads of its own, so that neither a loop nor the concurrency runtime's threads wait.
package final class NameResolver: Sendable {
    /// The program's resolver.
    package static let shared = NameResolver()

    private let threads: ResolverThreads

    /// Makes a resolver.
    ///
    /// - Parameters:
    ///   - maxThreads: Look-ups under way at once; a thread lives as long as there is something to look up.
    ///   - maxWaiting: Look-ups that wait for a thread; further ones fail.
    package convenience init(maxThreads: Int = 4, maxWaiting: Int = 256) {
        self.init(maxThreads: maxThreads, maxWaiting: maxWaiting) { AddressInfo.lookUp($0, port: $1) }
    }

    /// Makes a resolver with another way to look up, for tests.
    init(
        maxThreads: Int,
        maxWaiting: Int,
        lookUp: @escaping @Sendable (String, UInt16) -> Result<[SocketAddress], IOError>
    ) {
        threads = ResolverThreads(maxThreads: maxThreads, maxWaiting: maxWaiting, lookUp: lookUp)
    }

    /// The addresses of an endpoint in the order of preference (RFC 6724), never none.
    ///
    /// A numeric address is its own answer, at once. Cancelling the task ends the wait, the look-up itself goes on.
    ///
    /// - Throws: ``IOError`` `.nameNotResolved`, `.timedOut`, or `.closed` when the task was cancelled.
    package func resolve(_ endpoint: Endpoint, timeout: Duration = .seconds(5)) async throws(IOError) -> [SocketAddress]
    {
        let name: String
        let port: UInt16
        switch endpoint {
        case .address(let address): return [address]
        case .name(let host, let number): (name, port) = (host, number)
        }
        let request = ResolverRequest(name: name, port: port)
        threads.submit(request)
        // A look-up has no time limit of its own that one could set, and happens in real time whatever the loop's clock.
        let watchdog = Task.detached {
            try await Task.sleep(for: timeout)
            request.answer.unpark(.failure(IOError(.timedOut, "look up '\(name)': no answer within \(timeout)")))
        }
        defer {
            watchdog.cancel()
            request.isAbandoned.store(true, ordering: .relaxed)
        }
        switch await request.answer.park() {
        case .value(let result): return try result.get()
        case .cancelled: throw IOError(.closed, "look up '\(name)': cancelled")
        }
    }
}

/// One name to look up.
final class ResolverRequest: Sendable {
    let name: String
    let port: UInt16
    let answer = Parker<Result<[SocketAddress], IOError>>()
    /// Nobody waits any more.
    let isAbandoned = Atomic<Bool>(false)

    init(name: String, port: UInt16) {
        self.name = name
        self.port = port
    }
}
