// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// Counts connections per address, over all loops; touched once when a connection opens and once when it ends.
final class AddressLimit: Sendable {
    private let limit: Int
    private let counts = Lock<[String: Int]>([:])

    init(limit: Int) { self.limit = limit }

    /// Counts a connection in, unless its address has as many as it may.
    func admit(_ peer: SocketAddress?) -> Bool {
        guard let host = Self.key(peer) else { return true }
        return counts.withLock { counts in
            guard counts[host, default: 0] < limit else { return false }
            counts[host, default: 0] += 1
            return true
        }
    }

    func release(_ peer: SocketAddress?) {
        guard let host = Self.key(peer) else { return }
        counts.withLock { counts in
            guard let count = counts[host] else { return }
            counts[host] = count > 1 ? count - 1 : nil
        }
    }

    /// Unix sockets have no address to count by.
    private static func key(_ peer: SocketAddress?) -> String? {
        guard let peer, peer.port != nil else { return nil }
        return peer.host
    }
}
