// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The server as a process of its own, so that it can be killed as a crash would.
final class ServerProcess {
    private let process = Process()
    /// Where it listens.
    let port: Int

    /// Starts it, and returns when it listens.
    init(port: Int, io: String) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["serve", "--port", "\(port)", "--io", io]
        process.standardOutput = output
        try process.run()
        var line = Data()
        while !line.contains(10) {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Failure.noServer }
            line += more
        }
        let text = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let found = Int(text) else { throw Failure.noServer }
        self.port = found
    }

    /// SIGKILL; returns when the process, and with it every socket, is gone.
    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    enum Failure: Error {
        case noServer
    }
}
