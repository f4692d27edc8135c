// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Dispatch
import Testing

@testable import belfry

@Suite("Lines on standard output", .timeLimit(.minutes(3)))
struct LinePrinterTests {
    @Test("a reader that takes nothing loses lines beyond the bound, and is told; nobody waits")
    func bound() {
        let gate = DispatchSemaphore(value: 0)
        let text = SharedText()
        let printer = LinePrinter(maxBytes: 10) { lines in
            gate.wait()
            text.add(lines)
        }
        for line in ["one", "two", "lost", "x", "lost too"] { printer.print(line) }
        for _ in 0..<3 { gate.signal() }
        printer.flush()
        printer.print("after")
        gate.signal()
        printer.flush()
        #expect(
            text.value == "one\ntwo\n(1 lines lost: nobody read them)\nx\n(1 lines lost: nobody read them)\nafter\n"
        )
    }

    private final class SharedText: Sendable {
        private let text = Lock("")
        var value: String { text.withLock { $0 } }
        func add(_ more: String) { text.withLock { $0 += more } }
    }
}
