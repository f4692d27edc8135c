// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Foundation
import LoadReport

/// How far a comparison is, on standard error: a bar on a terminal, a line per run elsewhere.
struct Progress {
    private var total: Int
    private let isTerminal: Bool
    private let began: Date
    private var done = 0
    private var current = ""

    /// Begins to count.
    init(total: Int) {
        self.total = total
        isTerminal = isatty(STDERR_FILENO) == 1
        began = Date()
    }

    /// Learns how many runs are still to come.
    mutating func expect(_ remaining: Int) { total = done + remaining }

    /// Shows what is measured now.
    mutating func start(_ what: String) {
        current = what
        draw()
    }

    /// Counts a run and says what came of it, above the bar.
    mutating func finish(_ line: String) {
        done += 1
        say(isTerminal ? line : "\(done)/\(total) \(line)")
    }

    /// Says something, above the bar if there is one.
    func say(_ line: String) {
        write((isTerminal ? Self.clear : "") + line + "\n")
        draw()
    }

    /// Takes the bar away.
    func end() {
        if isTerminal { write(Self.clear) }
    }

    /// `[######------]  12/48  1:05 gone, about 3:15 left  fan-out 100, W=1 on redis`, cut to a width.
    func bar(elapsed: Double, columns: Int) -> String {
        let cells = 24
        let filled = total > 0 ? cells * done / total : cells
        let left = done > 0 ? "about \(Self.clock(elapsed / Double(done) * Double(total - done))) left" : "first run"
        let text =
            "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: cells - filled)
            + "]  \(done)/\(total)  \(Self.clock(elapsed)) gone, \(left)  \(current)"
        return String(text.prefix(max(columns - 1, 1)))
    }

    private func draw() {
        guard isTerminal, done < total else { return }
        var size = winsize()
        let columns = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
        write(Self.clear + bar(elapsed: Date().timeIntervalSince(began), columns: columns))
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }

    private static let clear = "\r\u{1B}[K"

    private static func clock(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 360_000 else { return "?" }
        let whole = Int(seconds.rounded())
        let rest = whole % 60
        return "\(whole / 60):" + (rest < 10 ? "0" : "") + "\(rest)"
    }
}
