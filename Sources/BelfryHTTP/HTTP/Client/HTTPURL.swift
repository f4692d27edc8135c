// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO

/// A server's address as a person writes it: `http://host[:port][/path]`, or `https://`.
package struct HTTPURL: Sendable, Hashable, CustomStringConvertible {
    /// `https`: over TLS.
    package let isSecure: Bool
    /// Where to connect to.
    package let endpoint: Endpoint
    /// Host and port for the field `Host`, as they were written.
    package let authority: String
    /// The path with its query, at least `/`.
    package let target: String

    /// Reads a URL; the port is 80 where there is none, or 443 for `https`.
    ///
    /// - Throws: ``HTTPClientError`` `.invalidURL` with a message that says what is wrong.
    package init(_ text: String) throws(HTTPClientError) {
        let lower = text.prefix(8).lowercased()
        isSecure = lower.hasPrefix("https://")
        guard isSecure || lower.hasPrefix("http://") else {
            throw Self.bad(text, "it does not begin with http:// or https://")
        }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        guard rest.utf8.allSatisfy(ASCII.isTarget) else {
            throw Self.bad(text, rest.contains("#") ? "it has a fragment" : "it has characters that must be escaped")
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw Self.bad(text, "it has a user") }
        guard !authority.hasPrefix("unix:") else { throw Self.bad(text, "it has no host") }
        let path = rest.dropFirst(authority.count)
        target = path.isEmpty ? "/" : path.hasPrefix("?") ? "/" + path : String(path)
        self.authority = String(authority)
        let hasPort = authority.hasSuffix("]") ? false : authority.contains(":")
        do throws(IOError) {
            endpoint = try Endpoint(parsing: hasPort ? String(authority) : "\(authority):\(isSecure ? 443 : 80)")
        } catch {
            throw Self.bad(text, error.message)
        }
    }

    /// The whole URL.
    package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(target)" }

    /// The host, as its certificate has to name it.
    var host: String { endpoint.hostName(in: authority) }

    private static func bad(_ text: String, _ why: String) -> HTTPClientError {
        HTTPClientError(.invalidURL, "'\(text.prefix(300))': \(why)")
    }
}
