// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// Status and fields of a response, and how its body is framed.
package struct HTTPResponseHead: Sendable, Equatable {
    /// How one learns where the body ends (RFC 9112, §6.3).
    package enum Framing: Sendable, Equatable {
        /// There is none: to a `HEAD`, and with 204 and 304.
        case none
        case length(Int)
        case chunked
        /// The connection ends with it.
        case untilClose
    }

    /// From 100 to 599.
    package var status = 0
    /// 0 or 1: the version is HTTP/1.0 or HTTP/1.1.
    package var minorVersion = 1
    /// All fields, in order.
    package var fields = HTTPFields()
    /// How the body is framed.
    package var framing = Framing.none
    /// The connection may be used for another request after this one.
    package var keepsAlive = true

    package init() {}
}
