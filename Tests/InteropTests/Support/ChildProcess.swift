// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A child whose output goes to files; killed by its own ID when its time is up.
final class ChildProcess: Sendable {
    /// How it ended.
    struct Result: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    private let process = Process()
    private let output: URL
    private let errors: URL
    private let ended: AsyncStream<Int32>

    /// Starts it.
    init(_ executable: String, _ arguments: [String]) throws {
        let directory = FileManager.default.temporaryDirectory
        output = directory.appendingPathComponent("belfry-\(UUID()).out")
        errors = directory.appendingPathComponent("belfry-\(UUID()).err")
        for file in [output, errors] { try Data().write(to: file) }
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        ended = stream
        process.terminationHandler = {
            continuation.yield($0.terminationStatus)
            continuation.finish()
        }
        try process.run()
    }

    deinit {
        for file in [output, errors] { try? FileManager.default.removeItem(at: file) }
    }

    /// Waits for its end; kills it after `limit`, or when the test is cancelled.
    func result(within limit: Duration) async throws -> Result {
        let pid = process.processIdentifier
        let watch = Task {
            try await Task.sleep(for: limit)
            kill(pid, SIGKILL)
        }
        defer { watch.cancel() }
        let status = await withTaskCancellationHandler {
            await ended.first { _ in true }
        } onCancel: {
            kill(pid, SIGKILL)
        }
        return Result(status: status ?? -1, output: try text(output), errors: try text(errors))
    }

    private func text(_ file: URL) throws -> String { String(decoding: try Data(contentsOf: file), as: UTF8.self) }
}
