// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Histogram

/// Latencies from publish to delivery.
///
/// One sample per read of a subscriber's socket: the middle one of the frames the read completed, weighted by their
/// number. Published is when the write of the message began, delivered when the read returned. In the open loop each
/// frame is a sample, and runs from when its message was due.
struct Latency {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 60_000_000_000,
        numberOfSignificantValueDigits: .three
    )

    /// Adds a read that completed `frames` frames.
    mutating func record(_ nanoseconds: Int64, frames: Int) {
        histogram.record(UInt64(max(1, nanoseconds)), count: UInt64(max(0, frames)))
    }

    /// The given percentile in µs, or nothing without samples.
    func microseconds(_ percentile: Double) -> Double? {
        histogram.totalCount == 0 ? nil : Double(histogram.valueAtPercentile(percentile)) / 1_000
    }
}
