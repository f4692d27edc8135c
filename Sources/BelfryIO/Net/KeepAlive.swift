// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// When the kernel asks a silent TCP peer whether it is still there, and gives it up (tcp(7)).
package struct KeepAlive: Sendable, Hashable {
    /// Silence before the first probe; whole seconds, at least one.
    package var idle: Duration
    /// Time between probes; whole seconds, at least one.
    package var interval: Duration
    /// Probes without an answer before the connection fails.
    package var probes: Int

    /// Makes a setting; without arguments a peer that is gone is noticed after about a minute and a half.
    package init(idle: Duration = .seconds(60), interval: Duration = .seconds(10), probes: Int = 3) {
        self.idle = idle
        self.interval = interval
        self.probes = probes
    }
}

extension Socket {
    /// Accepted sockets inherit it from their listener (Linux).
    static func set(_ keepAlive: KeepAlive, _ number: Int32, _ family: Int32) {
        guard family != AF_UNIX else { return }
        let level = Int32(IPPROTO_TCP)
        set(number, level, TCP_KEEPIDLE, seconds(keepAlive.idle))
        set(number, level, TCP_KEEPINTVL, seconds(keepAlive.interval))
        set(number, level, TCP_KEEPCNT, Int32(clamping: max(1, keepAlive.probes)))
        set(number, SOL_SOCKET, SO_KEEPALIVE, 1)
    }

    private static func seconds(_ duration: Duration) -> Int32 { Int32(clamping: max(1, duration.components.seconds)) }
}
