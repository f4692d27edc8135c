// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What one run of `belfry-load` measured; one line of JSON.
public struct RunReport: Codable, Sendable {
    /// Who was measured, as the caller named it.
    public var label: String
    /// The wire spoken, as `nucosmq` or `resp`.
    public var wire: String
    /// `fanout`, `pair`, `pairs`, `echo`, `slow`, `connect`, `storm`, `disconnect` or `idle`.
    public var workload: String
    /// Subscribers (fan-out, pair, slow), pairs (echo, pairs) or sessions (idle, storm, disconnect).
    public var connections: Int
    /// Messages that may be outstanding, per publisher; in the open loop the number at which a run fails.
    public var window: Int
    /// Bytes of a message's payload.
    public var payloadBytes: Int
    /// Bytes of a delivery on the wire.
    public var frameBytes: Int
    /// Seconds measured, warm-up not counted.
    public var seconds: Double
    /// Messages delivered to counted subscribers in that time; connections let in (connect, idle).
    public var deliveries: Int
    /// Deliveries per second of wall time.
    public var deliveriesPerSecond: Double
    /// Server CPU per delivery in µs, from its threads' schedstat.
    public var serverMicroseconds: Double?
    /// Share of one core the server used.
    public var serverShare: Double?
    /// Share of one core the load generator used.
    public var loadShare: Double
    /// Share of the time the server's threads were ready to run and something else ran: above a few per cent the
    /// machine was not quiet (or the threads stood in each other's way).
    public var serverWaitShare: Double?
    /// The same of the load generator's one thread.
    public var loadWaitShare: Double?
    /// Messages per second that each publisher was to publish: the open loop; nil in the closed one.
    public var rate: Double?
    /// Open loop: how long after they were due messages went out, in µs, 99th percentile: the load generator's own
    /// part of the latency, unless the server did not read.
    public var sendDelayP99: Double?
    /// Latency from publish to delivery in µs: median.
    ///
    /// From when a message was due in the open loop; from connecting to being let in (storm), from hanging up to the
    /// server's doing so (disconnect).
    public var p50: Double?
    /// Latency in µs: 99th percentile.
    public var p99: Double?
    /// Latency in µs: 99.9th percentile.
    public var p999: Double?
    /// Kernel entries of the server per delivery, from a pass of its own.
    public var kernelEntries: Double?
    /// How often the server's threads went to sleep by themselves, per delivery (voluntary context switches).
    public var voluntarySwitches: Double?
    /// The most memory the server ever had resident, in bytes (`VmHWM`), set-up included.
    public var peakResidentBytes: Double?
    /// Slow: deliveries per second to the same subscribers without the slow ones.
    public var deliveriesPerSecondAlone: Double?
    /// Slow: what the slow subscribers cost the others, in per cent of their deliveries per second.
    public var slowCostPercent: Double?
    /// Nanoseconds a cache line takes from the server's core to the load generator's and back, the longer of before and
    /// after; set by the driver.
    public var coreRoundTrip: Double?
    /// Growth of the server's resident memory per idle session, in bytes.
    public var bytesPerSession: Double?

    /// A report without figures.
    public init(label: String, wire: String, workload: String, connections: Int, window: Int) {
        self.label = label
        self.wire = wire
        self.workload = workload
        self.connections = connections
        self.window = window
        payloadBytes = 0
        frameBytes = 0
        seconds = 0
        deliveries = 0
        deliveriesPerSecond = 0
        loadShare = 0
    }
}
