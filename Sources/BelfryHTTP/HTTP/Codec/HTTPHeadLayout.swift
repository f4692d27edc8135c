// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Where in the bytes of a request's head things are, and how its body is framed.
///
/// All ranges count from the first byte of the request line.
package struct HTTPHeadLayout: Sendable, Equatable {
    /// The method's length: it begins the head.
    package var methodLength = 0
    /// The request target as it was written.
    package var target = 0..<0
    /// The target's path, still percent-encoded; empty for `http://host`, and `*` for the asterisk form.
    package var path = 0..<0
    /// What stands behind the target's `?`; nil without one.
    package var query: Range<Int>?
    /// The authority of an absolute target; nil for the other forms.
    package var targetAuthority: Range<Int>?
    /// The value of `Host`; nil without one, as in HTTP/1.0.
    package var host: Range<Int>?
    /// The field lines, without the empty line behind them.
    package var fields = 0..<0
    /// How many field lines there are.
    package var fieldCount = 0
    /// 0 or 1: the version is HTTP/1.0 or HTTP/1.1.
    package var minorVersion = 1
    /// The body's length, if it is announced.
    package var contentLength: Int?
    /// The body comes in chunks.
    package var isChunked = false
    /// The client waits for `100 Continue` before it sends the body.
    package var expectsContinue = false
    /// The connection may be used for another request after this one.
    package var keepsAlive = true
    /// `Connection` names `upgrade`, and there is an `Upgrade`.
    package var asksUpgrade = false

    package init() {}

    /// Whether a body follows, perhaps an empty one in chunks.
    package var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }
}
