// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// How TCP finds out that a silent peer is gone (RFC 9293, 3.8.4): after `idle` it probes every `interval`.
///
/// A connection whose peer answers none of `count` probes in a row breaks with `.timedOut`.
public struct KeepAlive: Sendable, Hashable {
    /// How long nothing has to arrive before the first probe; whole seconds, from 1 to 32,767.
    public var idle: Duration
    /// The pause between probes; whole seconds, from 1 to 32,767.
    public var interval: Duration
    /// Probes without an answer after which the connection breaks; from 1 to 127.
    public var count: Int

    /// Makes a setting; what is out of its bounds becomes the nearest bound.
    public init(idle: Duration = .seconds(30), interval: Duration = .seconds(10), count: Int = 3) {
        self.idle = idle
        self.interval = interval
        self.count = count
    }

    /// The kernel's values, within what it takes (tcp(7)).
    var values: (idle: Int32, interval: Int32, count: Int32) {
        (Self.seconds(idle), Self.seconds(interval), Int32(min(max(count, 1), 127)))
    }

    private static func seconds(_ duration: Duration) -> Int32 {
        Int32(min(max(duration.components.seconds, 1), 32_767))
    }
}
