// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a response; the connection is of no use behind it.
package enum HTTPResponseFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The status line is none of HTTP/1.0 or HTTP/1.1.
    case statusLine
    case statusLineTooLong
    /// `101` to a request that did not ask for another protocol.
    case upgrade
    /// Too many interim responses (1xx) before the final one.
    case tooManyInterim
    /// Bytes that nobody asked for: before a request, or behind its response.
    case unsolicited
    /// The connection ended within the response.
    case cutShort
    /// What is wrong with a field, the framing or the body; as it would be in a request.
    case message(HTTPFault)

    /// The rule that was broken.
    package var description: String {
        switch self {
        case .statusLine: "malformed status line"
        case .statusLineTooLong: "status line too long"
        case .upgrade: "another protocol, without being asked"
        case .tooManyInterim: "too many interim responses"
        case .unsolicited: "bytes that nobody asked for"
        case .cutShort: "the connection ended within the response"
        case .message(let fault): fault.rawValue
        }
    }
}
