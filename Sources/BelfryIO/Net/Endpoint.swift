// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Where to listen or connect to, as a person writes it: an address, or a host's name with a port.
public enum Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// A numeric address or a Unix socket's path: nothing to look up.
    case address(SocketAddress)
    /// A name that `NameResolver` looks up.
    case name(String, port: UInt16)

    /// Reads `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`; the host is a name or an IPv4 address.
    ///
    /// - Throws: ``IOError`` `.badAddress` with a message that says what is wrong.
    public init(parsing text: String) throws(IOError) {
        if text.hasPrefix("unix:") {
            self = .address(try Self.unix(String(text.dropFirst(5))))
            return
        }
        guard let colon = text.lastIndex(of: ":") else {
            throw Self.bad(text, "it has no port, as in \(text.isEmpty ? "localhost" : text):4000")
        }
        let port = try Self.port(text[text.index(after: colon)...], in: text)
        let host = text[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), let address = SocketAddress(ipv6Host: host.dropFirst().dropLast(), port: port)
            else {
                throw Self.bad(text, "\(host) is not an IPv6 address")
            }
            self = .address(address)
        } else if host.contains(":") {
            throw Self.bad(text, "an IPv6 address stands in brackets, as in [::1]:4000")
        } else if let address = SocketAddress(numericHost: String(host), port: port) {
            self = .address(address)
        } else {
            try Self.check(host, in: text)
            self = .name(String(host), port: port)
        }
    }

    /// What `init(parsing:)` reads.
    public var description: String {
        switch self {
        case .address(let address): address.description
        case .name(let host, let port): "\(host):\(port)"
        }
    }

    private static func unix(_ path: String) throws(IOError) -> SocketAddress {
        let address = SocketAddress.unix(path: path)
        _ = try address.storage()
        return address
    }

    private static func port(_ digits: Substring, in text: String) throws(IOError) -> UInt16 {
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else {
            throw bad(text, "'\(digits)' is not a port from 0 to 65535")
        }
        return port
    }

    /// Letters, digits, hyphens and underscores between dots, at most 253 in all and 63 in a part (RFC 1035, 2.3.4).
    private static func check(_ host: Substring, in text: String) throws(IOError) {
        guard !host.isEmpty else { throw bad(text, "it has no host; 0.0.0.0 stands for all IPv4 addresses") }
        var labels = host.split(separator: ".", omittingEmptySubsequences: false)
        // A name may end in a dot: it is complete then.
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        let isSound = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.unicodeScalars.allSatisfy { scalar in
                    scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                        || scalar == "-" || scalar == "_"
                }
        }
        guard isSound, host.utf8.count <= 253 else { throw bad(text, "'\(host)' is neither an address nor a name") }
        // What ends in a number is a mistyped address to RFC 1123 (2.1), never a name.
        if let last = labels.last, last.allSatisfy(\.isNumber) {
            throw bad(text, "'\(host)' is not an IPv4 address")
        }
    }

    private static func bad(_ text: String, _ why: String) -> IOError {
        IOError(.badAddress, "'\(text.prefix(300))': \(why)")
    }
}

extension SocketAddress {
    /// Reads an IPv6 address, with an interface's number behind `%` for a link-local one.
    fileprivate init?(ipv6Host text: Substring, port: UInt16) {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = SocketAddress(numericHost: String(first), port: port),
            case .ipv6(let high, let low, _, _) = address
        else { return nil }
        guard parts.count == 2 else {
            self = address
            return
        }
        guard let scope = UInt32(parts[1]) else { return nil }
        self = .ipv6(high: high, low: low, port: port, scope: scope)
    }
}
