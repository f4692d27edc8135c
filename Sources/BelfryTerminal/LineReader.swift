// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO
import Glibc

/// Reads standard input line by line: with editing and history on a terminal, as it comes from a pipe or a file.
///
/// A thread of its own reads, and writes answers, for both block; nothing here blocks the tasks' threads. The terminal
/// shows the prompt when a line is asked for, and not before. Close it, so that the terminal gets its modes back.
package final class LineReader: Sendable {
    /// What stands on a line.
    package enum Line: Sendable, Hashable {
        case text(String)
        /// A line that is longer than `maxLineBytes`, left out.
        case tooLong(maxBytes: Int)
        /// A line that is not UTF-8, left out.
        case notUTF8
    }

    /// Whether standard input and output are one person's terminal.
    package static var isTerminal: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

    /// Whether lines are edited.
    package let isEditing: Bool
    private let events: LineEvents
    private let lines = Parker<Line?>()
    private let writes = Parker<Bool>()
    private let ended = Parker<Void>()

    /// Starts the thread that reads; from then on a write to a pipe that nobody reads ends no program.
    ///
    /// - Parameters:
    ///   - prompt: What a terminal shows before each line; from elsewhere lines are read without.
    ///   - isEditing: Only on a terminal; lines from anywhere else are read as they come.
    ///   - history: The path of a file that keeps the lines typed at a terminal, with those of earlier sessions; nil
    ///     keeps none. A file that can't be read or written is no error.
    ///   - maxLineBytes: How long a line may be that does not come from a terminal.
    /// - Throws: `IOError` when the system has no thread or descriptor left.
    package init(
        prompt: String,
        isEditing: Bool = LineReader.isTerminal,
        history: String? = nil,
        maxLineBytes: Int = 32 << 20
    ) throws(IOError) {
        StandardOutput.ignoreBrokenPipes()
        self.isEditing = isEditing
        let events = try LineEvents()
        self.events = events
        let (lines, writes, ended) = (lines, writes, ended)
        let answer = DetachedThread.start {
            defer { ended.unpark() }
            if isEditing, let editor = LineEditor(prompt: prompt, history: HistoryFile(path: history), events: events) {
                Self.serve(events, lines, writes, between: { editor.tell($0) }, read: { editor.nextLine() })
            } else {
                let input = PlainInput(maxLineBytes: maxLineBytes, events: events)
                Self.serve(events, lines, writes, between: { _ in }, read: { input.nextLine() })
            }
        }
        guard answer == 0 else { throw IOError(errno: answer, "start a thread to read lines") }
    }

    /// The thread: does what is wished until there are no more lines, or nobody wants more.
    private static func serve(
        _ events: LineEvents,
        _ lines: Parker<Line?>,
        _ writes: Parker<Bool>,
        between tell: (LineEvents.News) -> Void,
        read: () -> Line?
    ) {
        while let wish = events.nextWish(tell) {
            switch wish {
            case .read:
                let line = read()
                if line == nil { events.end() }
                lines.unpark(line)
            case .write(let text): writes.unpark(StandardOutput.write(text, when: events.waitForOutput))
            }
        }
        // For who asked at the moment of the end.
        lines.unpark(nil)
        writes.unpark(false)
    }

    /// The next line, without its end; nil at the end of the input, after `close()`, or when the task is cancelled.
    ///
    /// One task at a time, for this and for `write`.
    package func next() async -> Line? {
        guard events.ask(.read) else { return nil }
        switch await lines.park() {
        case .value(let line): return line
        case .cancelled: return nil
        }
    }

    /// Writes text to standard output as it is, unbuffered; suspends while who reads it does not.
    ///
    /// - Returns: Whether it was taken; false when nobody reads any more, after `close()`, or when the task is
    ///   cancelled.
    package func write(_ text: String) async -> Bool {
        guard events.ask(.write(text)) else { return false }
        guard case .value(let isTaken) = await writes.park() else { return false }
        return isTaken
    }

    /// Shows a line of text at once, on a terminal above the line being edited.
    ///
    /// At most 256 wait to be shown; further ones are left out and counted. Elsewhere than on a terminal nothing is
    /// shown: there the output is answers alone.
    package func show(_ text: String) {
        if isEditing { events.show(text) }
    }

    /// Tells that the terminal has another size now.
    package func resize() { events.resize() }

    /// Tells that the program goes on after it was stopped, and takes the terminal over again.
    package func resume() { events.resume() }

    /// Ends reading: a waiting `next` returns nil, and so do all later ones.
    package func end() { events.end() }

    /// Ends reading and returns when a terminal has its modes back; call it once.
    package func close() async {
        end()
        // Elsewhere there is nothing to restore, and a read that another program's read got ahead of would not return.
        if isEditing { _ = await ended.park() }
    }
}
