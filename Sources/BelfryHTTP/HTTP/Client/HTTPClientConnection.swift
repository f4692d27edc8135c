// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO
import DequeModule
import HTTPTypes

/// Sends requests to one server, one after the other, over a connection that is kept.
///
/// Opens a connection when there is none; callers take turns in their order. When the server had closed the idle
/// connection, and nothing of the answer came, a repeatable request is sent again on a new one, once; others fail with
/// `.connectionLost`, since they may have arrived.
///
/// Loop-confined.
package final class HTTPClientConnection {
    /// The bounds, with every default.
    package struct Configuration: Sendable {
        /// How long connecting may take, with looking the name up and TLS.
        package var connectTimeout = Duration.seconds(10)
        /// For `https`: a file in PEM with the certificate authorities to trust; nil for the system's.
        package var authorities: String?
        /// How long a whole response may take from when the request is sent, unless `send` says otherwise.
        package var requestTimeout = Duration.seconds(30)
        /// A connection that was idle for longer is not used again: servers close them about that time.
        package var maxIdle = Duration.seconds(25)
        /// Bounds on a response.
        package var limits = HTTPResponseDecoder.Limits()

        package init() {}
    }

    private let url: HTTPURL
    private let loop: EventLoop
    private let configuration: Configuration
    private var link: HTTPClientLink?
    private var isTaken = false
    private var waiting: Deque<Parker<Void>> = []
    private var isClosed = false
    /// Connections that were opened so far.
    package private(set) var connectionCount = 0

    /// Makes a client of the server of a URL; its path plays no part.
    package init(_ url: HTTPURL, on loop: EventLoop, configuration: Configuration = .init()) {
        self.url = url
        self.loop = loop
        self.configuration = configuration
    }

    /// Sends a request, and returns its whole response, whatever its status.
    ///
    /// - Parameter timeout: For the response; nil for `requestTimeout`. Waiting for the turn, and connecting, come on
    ///   top.
    /// - Throws: ``HTTPClientError``: `.connectFailed` or `.untrusted` when it was not sent for certain; `.connectionLost`,
    ///   `.timedOut`, `.badResponse`, `.badRequest`, `.cancelled`, `.closed`.
    package func send(
        _ request: HTTPClientRequest,
        timeout: Duration? = nil
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        var bytes: [UInt8] = []
        try HTTPRequestEncoder.append(request, authority: url.authority, to: &bytes)
        try await takeTurn()
        defer { passTurn() }
        let limit = timeout ?? configuration.requestTimeout
        while true {
            let isKept = link?.isUsable == true && !isStale
            let link = try await usableLink()
            do throws(HTTPClientLink.Failure) {
                return try await link.exchange(bytes, isToHead: request.method == .head, within: limit)
            } catch {
                if isClosed { throw HTTPClientError(.closed, "the client was closed") }
                guard isKept, error.isUnanswered, request.isRepeatable, error.error.code == .connectionLost else {
                    throw error.error
                }
            }
        }
    }

    /// Ends the connection at once; who waits gets `.closed`, and so does every later request.
    package func close() {
        isClosed = true
        reset()
        let all = waiting
        waiting = []
        for parker in all { parker.unpark() }
    }

    /// Ends the connection at once, if there is one; the request that is under way fails with `.connectionLost`.
    package func reset() {
        link?.interrupt()
        link = nil
    }

    // MARK: Turns

    private func takeTurn() async throws(HTTPClientError) {
        guard !isClosed else { throw HTTPClientError(.closed, "the client was closed") }
        guard isTaken else {
            isTaken = true
            return
        }
        let parker = Parker<Void>()
        waiting.append(parker)
        if case .cancelled = await parker.park() {
            if let index = waiting.firstIndex(where: { $0 === parker }) {
                waiting.remove(at: index)
            } else if !isClosed {
                // The turn came at the same moment.
                passTurn()
            }
            throw HTTPClientError(.cancelled, "cancelled while waiting for its turn")
        }
        guard !isClosed else { throw HTTPClientError(.closed, "the client was closed") }
    }

    private func passTurn() {
        // Who is next takes over at once, so that nobody slips in between.
        guard let next = waiting.popFirst() else { return isTaken = false }
        next.unpark()
    }

    // MARK: Connection

    private var isStale: Bool {
        guard let link else { return false }
        return loop.nowNanoseconds - link.idleSince >= configuration.maxIdle.nanoseconds
    }

    private func usableLink() async throws(HTTPClientError) -> HTTPClientLink {
        if let link, link.isUsable, !isStale { return link }
        link?.abort()
        link = nil
        let start = loop.nowNanoseconds
        let handle: IOHandle
        do throws(IOError) {
            handle = try await Connector(on: loop).connect(to: url.endpoint, timeout: configuration.connectTimeout)
        } catch {
            if Task.isCancelled { throw HTTPClientError(.cancelled, "cancelled while connecting") }
            throw HTTPClientError(.connectFailed, error.message)
        }
        guard !isClosed else {
            loop.close(handle)
            throw HTTPClientError(.closed, "the client was closed")
        }
        connectionCount += 1
        let made = HTTPClientLink(handle, on: loop, limits: configuration.limits)
        link = made
        guard url.isSecure else { return made }
        let left = configuration.connectTimeout - .nanoseconds(loop.nowNanoseconds - start)
        do throws(HTTPClientError) {
            try await made.secure(url.host, authorities: configuration.authorities, within: left)
        } catch {
            if link === made { link = nil }
            if isClosed { throw HTTPClientError(.closed, "the client was closed") }
            throw error
        }
        return made
    }
}
