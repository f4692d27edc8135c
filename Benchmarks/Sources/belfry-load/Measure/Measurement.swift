// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc
import LoadReport

/// The phases of a run: warm-up, measurement, a pass for kernel entries, the check that nothing is missing.
struct Measurement {
    var warmUp: Double
    var seconds: Double
    /// Seconds of the pass that counts kernel entries; 0 leaves it out.
    var entrySeconds: Double
    var server: ServerProcess?

    /// Fills the figures in.
    func run(_ engine: LoadEngine, into report: inout RunReport) throws {
        try measure(engine, into: &report)
        report.kernelEntries = try kernelEntries(engine)
        try engine.finish()
        report.peakResidentBytes = server?.peakResidentBytes().map(Double.init)
    }

    /// The first two phases alone; the engine may go on.
    func measure(_ engine: LoadEngine, into report: inout RunReport) throws {
        try engine.run(seconds: warmUp)
        if engine.isPaced { try engine.drain() }

        engine.latency = Latency()
        engine.lateness = engine.isPaced ? Latency() : nil
        let start = try Snapshot(engine, server)
        try engine.run(seconds: seconds)
        let end = try Snapshot(engine, server)
        // What is late counts too.
        if engine.isPaced { try engine.drain() }
        let (latency, lateness) = (engine.latency, engine.lateness)
        (engine.latency, engine.lateness) = (nil, nil)

        let elapsed = Double(end.time - start.time)
        let deliveries = end.delivered - start.delivered
        guard deliveries > 0 else { throw LoadError("nothing was delivered in \(seconds) s") }
        report.frameBytes = engine.frameBytes
        report.seconds = elapsed / 1e9
        report.deliveries = deliveries
        report.deliveriesPerSecond = Double(deliveries) / elapsed * 1e9
        report.loadShare = Double(end.own.cpu - start.own.cpu) / elapsed
        report.loadWaitShare = Double(end.own.wait - start.own.wait) / elapsed
        if let before = start.server, let after = end.server {
            report.serverMicroseconds = Double(after.cpu - before.cpu) / 1_000 / Double(deliveries)
            report.serverShare = Double(after.cpu - before.cpu) / elapsed
            report.serverWaitShare = Double(after.wait - before.wait) / elapsed
        }
        if let before = start.switches, let after = end.switches {
            report.voluntarySwitches = Double(after - before) / Double(deliveries)
        }
        report.p50 = latency?.microseconds(50)
        report.p99 = latency?.microseconds(99)
        report.p999 = latency?.microseconds(99.9)
        report.sendDelayP99 = lateness?.microseconds(99)
    }

    /// Where everything stood at a moment.
    private struct Snapshot {
        let time = cload_now()
        let delivered: Int
        let own: ServerProcess.Schedule
        let server: ServerProcess.Schedule?
        let switches: Int?

        init(_ engine: LoadEngine, _ process: ServerProcess?) throws {
            delivered = engine.delivered
            own = try ServerProcess.own.schedule()
            server = try process?.schedule()
            switches = try process?.voluntarySwitches()
        }
    }

    private func kernelEntries(_ engine: LoadEngine) throws -> Double? {
        guard entrySeconds > 0, let server, let counter = KernelEntryCounter(of: server) else { return nil }
        let start = (entries: counter.entries, delivered: engine.delivered)
        try engine.run(seconds: entrySeconds)
        let end = (entries: counter.entries, delivered: engine.delivered)
        guard end.delivered > start.delivered else { return nil }
        return Double(end.entries - start.entries) / Double(end.delivered - start.delivered)
    }
}
