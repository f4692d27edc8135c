// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a request; the connection ends behind the answer.
package enum HTTPFault: String, Error, Sendable, CaseIterable {
    case lineEnd = "a line ends without CR LF"
    case requestLine = "malformed request line"
    case requestLineTooLong = "request line too long"
    case version = "malformed HTTP version"
    case versionNotServed = "HTTP version not supported"
    case methodNotServed = "method not supported"
    case target = "malformed request target"
    case fold = "a field is continued on a second line"
    case fieldName = "malformed field name"
    case fieldValue = "a field value has a control character"
    case fieldsTooLarge = "header fields too large"
    case tooManyFields = "too many header fields"
    case noHost = "Host is missing"
    case host = "malformed or repeated Host"
    case hostMismatch = "Host and request target differ"
    case contentLength = "malformed or repeated Content-Length"
    case lengthAndCoding = "Content-Length beside Transfer-Encoding"
    case transferCoding = "malformed Transfer-Encoding"
    case codingNotServed = "transfer coding not supported"
    case expectation = "unknown expectation"
    case chunk = "malformed chunk"
    case bodyTooLarge = "content too large"
    case heldTooLong = "too much sent ahead"

    /// The status of the answer (RFC 9110, §15).
    package var status: Int {
        switch self {
        case .requestLineTooLong: 414
        case .fieldsTooLarge, .tooManyFields: 431
        case .bodyTooLarge: 413
        case .expectation: 417
        case .methodNotServed, .codingNotServed: 501
        case .versionNotServed: 505
        default: 400
        }
    }
}
