// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Which web pages may open a WebSocket, or ask a server to do something: browsers name the page's origin, and send its user's cookies along.
///
/// What sends no `Origin` is no page, and is always let in.
public struct WebSocketOrigins: Sendable, Hashable {
    private enum Rule: Sendable, Hashable {
        case any
        case listed(Set<String>)
        case local(Set<String>)
    }

    private let rule: Rule

    /// Pages of the same host and port that the request is for.
    public static let sameOrigin = WebSocketOrigins(rule: .listed([]))
    /// All pages.
    public static let any = WebSocketOrigins(rule: .any)

    /// Pages of the same host and port, and of these origins, as in `https://example.com`; `null` stands for files.
    public static func listed(_ origins: [String]) -> WebSocketOrigins {
        WebSocketOrigins(rule: .listed(Set(origins.map { $0.lowercased() })))
    }

    /// Pages of the same host and port, of this machine (`localhost`, 127.0.0.0/8 or `[::1]`, with any port), and of these
    /// origins.
    ///
    /// With `null` for files, which says nothing about where a page comes from: any page can make itself such an origin.
    public static func local(and origins: [String] = []) -> WebSocketOrigins {
        WebSocketOrigins(rule: .local(Set(origins.map { $0.lowercased() })))
    }

    /// Whether a page of this origin may.
    ///
    /// - Parameters:
    ///   - origin: The value of `Origin`; nil without.
    ///   - authority: Host and port that the request is for.
    package func allows(_ origin: String?, authority: String?) -> Bool {
        guard let origin else { return true }
        let text = origin.lowercased()
        let page = Self.hostAndPort(of: text)
        switch rule {
        case .any: return true
        case .listed(let listed): if listed.contains(text) { return true }
        case .local(let listed): if listed.contains(text) || page.map(Self.isLocal) ?? false { return true }
        }
        guard let authority, let page else { return false }
        return page == Self.withoutPort(authority.lowercased(), text.hasPrefix("https:") ? ":443" : ":80")
    }

    /// What stands behind `http://` or `https://`, without the scheme's own port; nil for other origins.
    private static func hostAndPort(of origin: String) -> String? {
        for (scheme, port) in [("http://", ":80"), ("https://", ":443")] where origin.hasPrefix(scheme) {
            let rest = origin.dropFirst(scheme.count)
            guard !rest.isEmpty, !rest.contains(where: { "/?#@".contains($0) }) else { return nil }
            return withoutPort(String(rest), port)
        }
        return nil
    }

    private static func isLocal(_ hostAndPort: String) -> Bool {
        if hostAndPort == "[::1]" || hostAndPort.hasPrefix("[::1]:") { return true }
        let host = hostAndPort.prefix { $0 != ":" }
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        // Not a name that begins like an address.
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func withoutPort(_ text: String, _ port: String) -> String {
        text.hasSuffix(port) ? String(text.dropLast(port.count)) : text
    }
}
