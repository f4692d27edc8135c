// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP

extension PocketsocketClient {
    /// Where a Pocketsocket server is: host, port and path of a `ws://` URL.
    public struct Address: Sendable, Hashable, CustomStringConvertible {
        /// The port of a server that does not say another.
        public static let defaultPort: UInt16 = 8001

        /// A name, an IPv4 address, or an IPv6 address in brackets.
        public let host: String
        /// The port.
        public let port: UInt16
        /// Path and query, `/` where there is none.
        public let path: String
        /// What the application calls it; part of what `broadcast-all-connected` says.
        public let name: String

        let webSocketURL: WebSocketURL

        /// Reads `host`, `host:port`, `[IPv6]:port`, an IPv6 address alone, or `ws://host[:port][/path][?query]`.
        ///
        /// - Throws: ``PocketsocketClientError`` `.badAddress` with a message that says what is wrong; `wss://` is bad:
        ///   a Pocketsocket server has no TLS of its own.
        public init(_ text: String, name: String = "") throws(PocketsocketClientError) {
            let (host, port, path) = try Self.parts(of: text)
            try self.init(host: host, port: port ?? Self.defaultPort, path: path, name: name, asIn: text)
        }

        /// Makes an address of its parts.
        ///
        /// - Parameters:
        ///   - host: As in ``init(_:name:)``, without a port.
        ///   - port: The port.
        ///   - path: Path and query, from the slash on.
        ///   - name: What the application calls it.
        /// - Throws: ``PocketsocketClientError`` `.badAddress`.
        public init(
            host: String,
            port: UInt16 = defaultPort,
            path: String = "/",
            name: String = ""
        ) throws(PocketsocketClientError) {
            let isBareIPv6 = host.contains(":") && !host.hasPrefix("[")
            try self.init(host: isBareIPv6 ? "[\(host)]" : host, port: port, path: path, name: name, asIn: host)
        }

        private init(
            host: String,
            port: UInt16,
            path: String,
            name: String,
            asIn text: String
        ) throws(PocketsocketClientError) {
            guard port > 0 else { throw Self.bad(text, "0 is no port to connect to") }
            guard !host.contains(where: { $0 == "/" || $0 == "?" }), !host.hasPrefix("unix:") else {
                throw Self.bad(text, "the host has a slash or a question mark")
            }
            guard path.hasPrefix("/") else { throw Self.bad(text, "the path does not begin with a slash") }
            do throws(WebSocketError) {
                webSocketURL = try WebSocketURL("ws://\(host):\(port)\(path)")
            } catch {
                throw PocketsocketClientError(.badAddress, error.message, cause: error)
            }
            self.host = host
            self.port = port
            self.path = path
            self.name = name
        }

        /// The whole URL, as in `ws://127.0.0.1:8001/`.
        public var url: String { "ws://\(host):\(port)\(path)" }

        /// `host:port`, or the whole URL where there is a path.
        public var description: String { path == "/" ? "\(host):\(port)" : url }

        private static func bad(_ text: String, _ why: String) -> PocketsocketClientError {
            PocketsocketClientError(.badAddress, "'\(text.prefix(300))': \(why)")
        }

        static func parts(
            of text: String
        ) throws(PocketsocketClientError) -> (host: String, port: UInt16?, path: String) {
            var rest = text[...]
            while rest.first == " " { rest.removeFirst() }
            while rest.last == " " { rest.removeLast() }
            let lower = rest.prefix(6).lowercased()
            guard !lower.hasPrefix("wss://") else { throw bad(text, "wss:// is not for this client") }
            if lower.hasPrefix("ws://") { rest = rest.dropFirst(5) }
            let authority = rest.prefix { $0 != "/" && $0 != "?" }
            let tail = rest.dropFirst(authority.count)
            let path = tail.isEmpty ? "/" : tail.hasPrefix("?") ? "/\(tail)" : String(tail)
            let colons = authority.utf8.count { $0 == UInt8(ascii: ":") }
            // Without brackets two colons are those of an IPv6 address alone.
            if colons > 1, !authority.hasPrefix("[") { return ("[\(authority)]", nil, path) }
            guard colons > 0, !authority.hasSuffix("]"), let colon = authority.lastIndex(of: ":") else {
                return (String(authority), nil, path)
            }
            let digits = authority[authority.index(after: colon)...]
            // A plus sign is part of a number to Swift.
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else {
                throw bad(text, "'\(digits)' is not a port from 1 to 65535")
            }
            return (String(authority[..<colon]), port, path)
        }
    }

    /// How lists of hosts and ports become servers.
    public enum List: Sendable, Hashable {
        /// Every host with every port.
        case mix
        /// The first host with the first port, the second with the second, and so on.
        case flat
    }
}

extension PocketsocketClient.Address {
    /// Hosts and ports, paired; in the order of the hosts, and for each of the ports.
    ///
    /// - Parameters:
    ///   - addresses: As in `init(_:name:)`; a port that stands there gives way to those of `ports`.
    ///   - ports: None for the hosts' own.
    ///   - list: Which hosts go with which ports.
    /// - Throws: ``PocketsocketClientError`` `.badAddress`, also for a flat list of different lengths.
    public static func list(
        _ addresses: [String],
        ports: [UInt16],
        _ list: PocketsocketClient.List = .mix
    ) throws(PocketsocketClientError) -> [Self] {
        var result: [Self] = []
        guard !ports.isEmpty else {
            for address in addresses { result.append(try Self(address)) }
            return result
        }
        guard list == .mix || addresses.count == ports.count else {
            let counts = "\(addresses.count) addresses, but \(ports.count) ports"
            throw PocketsocketClientError(.badAddress, "a flat list has as many addresses as ports: \(counts)")
        }
        for (index, address) in addresses.enumerated() {
            let (host, _, path) = try parts(of: address)
            for port in list == .mix ? ports[...] : ports[index...index] {
                result.append(try Self(host: host, port: port, path: path))
            }
        }
        return result
    }
}
