// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LoadReport

/// Prints a report.
enum Output {
    /// One line of JSON on standard output; the same for people on standard error.
    static func write(_ report: RunReport, human: Bool) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
        if human { FileHandle.standardError.write(Data(text(report).utf8)) }
    }

    private static func text(_ report: RunReport) -> String {
        var lines: [(String, String)] = [
            ("server", "\(report.label) (\(report.wire))"),
            ("workload", "\(report.workload), \(report.connections) connections, window \(report.window)"),
            ("seconds", Format.fixed(report.seconds, 2)),
        ]
        if let bytes = report.bytesPerSession {
            lines += [
                ("bytes per session", Format.fixed(bytes, 0)),
                ("server µs/session", Format.number(report.serverMicroseconds)),
                ("CPU", "server \(Format.percent(report.serverShare)), load \(Format.percent(report.loadShare))"),
            ]
        } else {
            lines += [
                ("bytes", "payload \(report.payloadBytes), frame \(report.frameBytes)"),
                ("deliveries", "\(report.deliveries), \(Format.number(report.deliveriesPerSecond))/s"),
                ("server µs/delivery", Format.number(report.serverMicroseconds)),
                (
                    "waiting for CPU",
                    "server \(Format.percent(report.serverWaitShare)), load \(Format.percent(report.loadWaitShare))"
                ),
                ("CPU", "server \(Format.percent(report.serverShare)), load \(Format.percent(report.loadShare))"),
                (
                    "latency µs",
                    "p50 \(Format.number(report.p50)), p99 \(Format.number(report.p99)), p99.9 \(Format.number(report.p999))"
                ),
                ("sent late by, p99 µs", Format.number(report.sendDelayP99)),
                ("peak RSS, MiB", Format.number(report.peakResidentBytes.map { $0 / 1_048_576 })),
                ("slow ones cost", report.slowCostPercent.map { Format.fixed($0, 1) + " %" } ?? "n/a"),
                ("kernel entries/delivery", Format.number(report.kernelEntries)),
            ]
        }
        return lines.map { Format.pad($0.0, 24, left: false) + $0.1 + "\n" }.joined()
    }
}
