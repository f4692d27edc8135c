// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
public import Logging

/// The loops of a program: as many as it has cores, unless told otherwise.
public final class EventLoopGroup: Sendable {
    /// The loops; never empty.
    public let loops: [EventLoop]
    /// What was chosen, and why.
    public let selection: BackendSelection

    /// Starts the loops.
    ///
    /// - Parameters:
    ///   - choice: Which engine.
    ///   - count: How many loops, 1 to 256; nil takes one per core this process may use (affinity and cgroup quota).
    ///   - options: The sizes the engines work with.
    ///   - logger: Hears, once, of a fallback.
    /// - Throws: ``IOError`` `.unavailable` when an explicit `.uring` cannot be had.
    public init(
        _ choice: IOChoice = .automatic,
        count: Int? = nil,
        options: IOOptions = IOOptions(),
        logger: Logger
    ) throws(IOError) {
        var selection = try BackendSelection(choice)
        var options = options
        if case .simulated(let seed) = choice { options.seed = seed }
        let wanted = min(max(count ?? Self.availableCores(), 1), 256)
        var loops: [EventLoop] = []
        do {
            for index in 0..<wanted {
                loops.append(
                    try EventLoop(backend: selection.backend, options: options, index: index, logger: logger)
                )
            }
        } catch {
            for loop in loops { loop.stop() }
            // The probe passed, but the rings did not fit (RLIMIT_MEMLOCK is per user over all processes).
            guard choice == .automatic, selection.backend == .uring else { throw error }
            selection = BackendSelection(fallbackBecause: error)
            loops = []
            for index in 0..<wanted {
                loops.append(
                    try EventLoop(backend: selection.backend, options: options, index: index, logger: logger)
                )
            }
        }
        if selection.isFallback {
            logger.notice("io_uring is not to be had, using epoll.", metadata: ["reason": "\(selection.reason)"])
        }
        self.loops = loops
        self.selection = selection
    }

    /// Runs `body` with a loop of its own, which ends with the scope.
    ///
    /// - Throws: ``IOError`` as the initialiser; what `body` throws.
    package static func withOwnLoop<Result>(
        _ choice: IOChoice,
        logger: Logger,
        _ body: (EventLoop) async throws -> Result
    ) async throws -> Result {
        let group = try EventLoopGroup(choice, count: 1, logger: logger)
        do {
            let result = try await body(group.loops[0])
            await group.shutDown()
            return result
        } catch {
            await group.shutDown()
            throw error
        }
    }

    /// Cores this process may use: the affinity mask, cut by a cgroup CPU quota (version 1 or 2); at least 1.
    public static func availableCores() -> Int {
        let cores = Int(clinux_available_cores())
        guard let quota = cgroupQuota() else { return cores }
        return max(1, min(cores, Int(quota.rounded(.up))))
    }

    private static func cgroupQuota() -> Double? {
        if let words = words(of: "/sys/fs/cgroup/cpu.max"), words.count == 2,
            let quota = Double(words[0]), let period = Double(words[1]), period > 0
        {
            return quota / period
        }
        guard let quota = words(of: "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")?.first.flatMap(Double.init), quota > 0,
            let period = words(of: "/sys/fs/cgroup/cpu/cpu.cfs_period_us")?.first.flatMap(Double.init), period > 0
        else { return nil }
        return quota / period
    }

    private static func words(of path: String) -> [String]? {
        guard let file = unsafe fopen(path, "re") else { return nil }
        defer { unsafe _ = fclose(file) }
        let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer -> String? in
            guard let line = unsafe fgets(buffer.baseAddress, 128, file) else { return nil }
            return unsafe String(cString: line)
        }
        return text?.split(whereSeparator: \.isWhitespace).map(String.init)
    }

    /// Stops all loops and waits until they have ended.
    public func shutDown() async {
        for loop in loops { loop.stop() }
        for loop in loops { await loop.waitUntilStopped() }
    }
}
