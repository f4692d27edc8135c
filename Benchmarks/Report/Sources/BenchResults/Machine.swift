// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The machine a comparison ran on.
public struct Machine: Codable, Equatable, Sendable {
    /// The processor's model name.
    public var processor: String
    /// Cores the system shows.
    public var cores: Int
    /// Memory in bytes.
    public var memoryBytes: UInt64
    /// The kernel's release.
    public var kernel: String
    /// The distribution's name.
    public var distribution: String
    /// Whether a hypervisor is below.
    public var isVirtual: Bool
    /// Load average over one minute when the comparison began: above about 0.3 the machine was not idle.
    public var loadAverage: Double?

    /// A machine as described.
    public init(
        processor: String,
        cores: Int,
        memoryBytes: UInt64,
        kernel: String,
        distribution: String,
        isVirtual: Bool,
        loadAverage: Double?
    ) {
        self.processor = processor
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.kernel = kernel
        self.distribution = distribution
        self.isVirtual = isVirtual
        self.loadAverage = loadAverage
    }

    /// This machine, from `/proc` and `/etc/os-release`; what they do not tell is `unknown`.
    public static func current() -> Machine {
        let processors = text("/proc/cpuinfo")
        let release = text("/etc/os-release")
        return Machine(
            processor: value("model name", separator: ":", in: processors) ?? "unknown",
            cores: ProcessInfo.processInfo.processorCount,
            memoryBytes: ProcessInfo.processInfo.physicalMemory,
            kernel: trimmed(text("/proc/sys/kernel/osrelease")) ?? "unknown",
            distribution: value("PRETTY_NAME", separator: "=", in: release) ?? "unknown",
            isVirtual: (value("flags", separator: ":", in: processors) ?? "").split(separator: " ")
                .contains("hypervisor"),
            loadAverage: text("/proc/loadavg").split(separator: " ").first.flatMap { Double($0) }
        )
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    private static func trimmed(_ text: String) -> String? {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines.union(["\""]))
        return text.isEmpty ? nil : text
    }

    private static func value(_ key: String, separator: Character, in text: String) -> String? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: separator, maxSplits: 1)
            if parts.count == 2, trimmed(String(parts[0])) == key { return trimmed(String(parts[1])) }
        }
        return nil
    }
}
