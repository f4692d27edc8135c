// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Dispatch
import Foundation

/// The file of the clients' log lines, written from a thread of its own: a slow disk holds up nobody.
///
/// Bounded: what waits, each line, and the file.
final class ClientLogFile: Sendable {
    private let path: String
    private let maxBytes: Int
    private let log: WatchboxLog
    private let queue = DispatchQueue(label: "belfry.watchbox.log")
    private let state = Lock(State())

    private struct State {
        var lines: [UInt8] = []
        var lost = 0
        /// A failure is told once, until something works again.
        var hasFailed = false
    }

    /// Bytes that may wait to be written.
    private static let maxWaitingBytes = 1024 * 1024
    /// Characters of one line's text, and of its application's name.
    private static let maxCharacters = 4_096

    init(path: String, maxBytes: Int, log: WatchboxLog) {
        self.path = path
        self.maxBytes = max(1, maxBytes)
        self.log = log
    }

    /// Appends a client's line; never waits.
    func append(_ text: String, application: String, client: ClientID) {
        let line = "watchbox : \(Self.bounded(application)) : \(log.now) : \(client) : \(Self.bounded(text))\n"
        let isFirst = state.withLock { state -> Bool in
            guard state.lines.count + line.utf8.count <= Self.maxWaitingBytes else {
                state.lost += 1
                return false
            }
            defer { state.lines += Array(line.utf8) }
            return state.lines.isEmpty
        }
        if isFirst { queue.async { [self] in write() } }
    }

    /// Waits until what was appended has been written.
    func flush() { queue.sync {} }

    private static func bounded(_ text: String) -> String {
        WatchboxLog.printable(String(text.prefix(maxCharacters)))
    }

    private func write() {
        let (lines, lost) = state.withLock { state in
            defer { (state.lines, state.lost) = ([], 0) }
            return (state.lines, state.lost)
        }
        if lost > 0 { log.failure("\(lost) client log lines were lost: there were too many") }
        do {
            try append(lines)
            state.withLock { $0.hasFailed = false }
        } catch {
            let isFirst = state.withLock { state in
                defer { state.hasFailed = true }
                return !state.hasFailed
            }
            if isFirst { log.failure("client log lines can't be written to \(path): \(error.localizedDescription)") }
        }
    }

    private func append(_ lines: [UInt8]) throws {
        let files = FileManager.default
        if !files.fileExists(atPath: path) { try Data().write(to: URL(fileURLWithPath: path)) }
        var file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        let size = try file.seekToEnd()
        if size > 0, size + UInt64(lines.count) > UInt64(maxBytes) {
            try file.close()
            try? files.removeItem(atPath: path + ".1")
            try files.moveItem(atPath: path, toPath: path + ".1")
            try Data().write(to: URL(fileURLWithPath: path))
            file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        }
        try file.write(contentsOf: Data(lines))
        try file.close()
    }
}
