// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Where a socket is: an IPv4 or IPv6 address with a port, or a path of a Unix socket.
public enum SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// Four bytes in network order, and a port.
    case ipv4(UInt32, port: UInt16)
    /// Two halves of sixteen bytes in network order, a port, and a scope (interface index, 0 for none).
    case ipv6(high: UInt64, low: UInt64, port: UInt16, scope: UInt32)
    /// A path of at most 107 bytes.
    case unix(path: String)

    /// `127.0.0.1` with a port; port 0 lets the kernel choose.
    public static func loopback(port: UInt16) -> SocketAddress { .ipv4(0x7F00_0001, port: port) }

    /// The port; nil for a Unix socket.
    public var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, _, let port, _): port
        case .unix: nil
        }
    }

    /// The address without its port: what limits per address count by.
    public var host: String {
        switch self {
        case .ipv4(let address, _):
            "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
        case .ipv6(let high, let low, _, let scope):
            Self.text(high, low) + (scope == 0 ? "" : "%\(scope)")
        case .unix(let path):
            path
        }
    }

    /// `127.0.0.1:4000`, `[::1]:4000` or `unix:/run/belfry.sock`.
    public var description: String {
        switch self {
        case .ipv4(_, let port): "\(host):\(port)"
        case .ipv6(_, _, let port, _): "[\(host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// RFC 5952: lower case, the longest run of zero groups (of two or more) as `::`.
    private static func text(_ high: UInt64, _ low: UInt64) -> String {
        let groups = (0..<8).map { index in
            UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - index % 4 * 16))
        }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = max(end, start + 1)
        }
        let hex = groups.map { String($0, radix: 16) }
        if best.isEmpty { return hex.joined(separator: ":") }
        return hex[..<best.lowerBound].joined(separator: ":") + "::" + hex[best.upperBound...].joined(separator: ":")
    }
}
