// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What can go wrong with a client's request.
package struct HTTPClientError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    package enum Code: String, Sendable {
        /// The URL can't be read, or is of a kind that can't be connected to.
        case invalidURL
        /// The request can't be sent as it is.
        case badRequest
        /// There was no connection: the request was not sent.
        case connectFailed
        /// The server's certificate is not trusted: the request was not sent.
        case untrusted
        /// The connection ended before the whole response: the request may have arrived or not.
        case connectionLost
        /// The response did not come in time: the request may have arrived or not.
        case timedOut
        /// The response breaks the protocol, or a bound.
        case badResponse
        /// The task was cancelled while it waited.
        case cancelled
        /// The client was closed.
        case closed
    }

    /// The kind of failure.
    package let code: Code
    /// One sentence for a person.
    package let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    package var description: String { "\(code.rawValue): \(message)" }
}
