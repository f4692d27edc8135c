// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO

/// A WebSocket's address as a person writes it (RFC 6455, §3): `ws://host[:port][/path][?query]`.
package struct WebSocketURL: Sendable, Hashable {
    /// Where to connect to.
    package let endpoint: Endpoint
    /// Host and port for the field `Host`, as they were written.
    package let authority: String
    /// Path and query.
    package var target: String

    /// Reads a URL; the port is 80 where there is none.
    ///
    /// - Throws: ``WebSocketError`` `.invalidURL` with a message that says what is wrong.
    package init(_ text: String) throws(WebSocketError) {
        let lower = text.prefix(6).lowercased()
        guard !lower.hasPrefix("wss://") else {
            throw Self.bad(text, "wss needs TLS, which is not supported")
        }
        guard lower.hasPrefix("ws://") else { throw Self.bad(text, "it does not begin with ws://") }
        let rest = text.dropFirst(5)
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
            endpoint = try Endpoint(parsing: hasPort ? String(authority) : "\(authority):80")
        } catch {
            throw Self.bad(text, error.message)
        }
    }

    private static func bad(_ text: String, _ why: String) -> WebSocketError {
        WebSocketError(.invalidURL, "'\(text.prefix(300))': \(why)")
    }
}
