// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO

/// A WebSocket's address as a person writes it (RFC 6455, §3): `ws://host[:port][/path][?query]`, or `wss://`.
package struct WebSocketURL: Sendable, Hashable {
    /// `wss`: over TLS.
    package let isSecure: Bool
    /// Where to connect to.
    package let endpoint: Endpoint
    /// Host and port for the field `Host`, as they were written.
    package let authority: String
    /// Path and query.
    package var target: String

    /// Reads a URL; the port is 80 where there is none, or 443 for `wss`.
    ///
    /// - Throws: ``WebSocketError`` `.invalidURL` with a message that says what is wrong.
    package init(_ text: String) throws(WebSocketError) {
        let lower = text.prefix(6).lowercased()
        isSecure = lower.hasPrefix("wss://")
        guard isSecure || lower.hasPrefix("ws://") else {
            throw Self.bad(text, "it does not begin with ws:// or wss://")
        }
        let rest = text.dropFirst(isSecure ? 6 : 5)
        guard rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Self.bad(text, "it has characters that must be escaped")
        }
        guard !rest.contains("#") else { throw Self.bad(text, "it has a fragment") }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw Self.bad(text, "it has a user") }
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

    /// The host, as its certificate has to name it.
    var host: String { endpoint.hostName(in: authority) }

    private static func bad(_ text: String, _ why: String) -> WebSocketError {
        WebSocketError(.invalidURL, "'\(text.prefix(300))': \(why)")
    }
}
