// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTerminal
import Dispatch

/// Prints lines on standard output from a thread of its own: whoever reads them slowly must not hold up a server.
///
/// What is not taken waits, up to a bound; beyond it lines are lost, and a line says how many.
final class LinePrinter: Sendable {
    private let queue = DispatchQueue(label: "belfry.lines")
    private let state = Lock(State())
    private let maxBytes: Int
    private let write: @Sendable (String) -> Void

    private struct State: ~Copyable {
        var waiting = 0
        var lost = 0
    }

    /// Makes a printer.
    ///
    /// - Parameters:
    ///   - maxBytes: What may wait.
    ///   - write: Where the lines go.
    init(
        maxBytes: Int = 8 * 1024 * 1024,
        to write: @escaping @Sendable (String) -> Void = { StandardOutput.write($0) }
    ) {
        self.maxBytes = maxBytes
        self.write = write
    }

    /// Prints a line, or several; never waits.
    func print(_ lines: String) {
        guard !lines.isEmpty else { return }
        let count = lines.utf8.count + 1
        let lost: Int? = state.withLock { state in
            guard state.waiting + count <= maxBytes else {
                state.lost += 1
                return nil
            }
            state.waiting += count
            defer { state.lost = 0 }
            return state.lost
        }
        guard let lost else { return }
        queue.async { [self] in
            let notice = lost == 0 ? "" : "(\(lost) lines lost: nobody read them)\n"
            write(notice + lines + "\n")
            state.withLock { $0.waiting -= count }
        }
    }

    /// Waits until what was printed has been taken, for a second at most.
    func flush() {
        let done = DispatchGroup()
        queue.async(group: done) {}
        _ = done.wait(timeout: .now() + 1)
    }
}
