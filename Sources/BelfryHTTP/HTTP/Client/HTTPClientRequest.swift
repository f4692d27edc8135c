// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// A request that a client sends.
///
/// `Host`, `Content-Length`, `Transfer-Encoding` and `Connection` are the client's: it sets them, and drops them from
/// `fields`.
package struct HTTPClientRequest: Sendable {
    /// The method.
    package var method: HTTPRequest.Method
    /// Path and query, percent-encoded, from the slash on.
    package var target: String
    /// The fields beside those that the client sets.
    package var fields: HTTPFields
    /// The body.
    package var body: [UInt8]
    /// Whether it may arrive twice: it is sent again when an idle connection turns out to be gone.
    package var isRepeatable: Bool

    /// Makes a request; `isRepeatable` is what the method says (RFC 9110, §9.2.2) unless told otherwise.
    package init(
        _ method: HTTPRequest.Method,
        _ target: String,
        fields: HTTPFields = [:],
        body: [UInt8] = [],
        isRepeatable: Bool? = nil
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
        self.isRepeatable = isRepeatable ?? [.get, .head, .put, .delete, .options, .trace].contains(method)
    }
}

/// A whole response.
package struct HTTPClientResponse: Sendable {
    /// From 200 to 599.
    package var status: Int
    /// All fields, in order.
    package var fields: HTTPFields
    /// The body.
    package var body: [UInt8]
}
