// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLibedit
import Glibc

/// A terminal's line editor: libedit, fed by us, so that one thread can wait for keys and for other threads.
///
/// Made, used and let go on one thread. Between two lines the terminal has the modes that it had before.
@safe
final class LineEditor {
    private let events: LineEvents
    private let file: HistoryFile
    private let width: Int
    @safe private let prompt: UnsafeMutablePointer<CChar>
    @safe private var editor: OpaquePointer?
    @safe private var history: OpaquePointer?
    private var keys = KeyDecoder()
    private var isEditing = false

    init?(prompt: String, history file: HistoryFile, events: LineEvents) {
        self.events = events
        self.file = file
        width = Self.width(of: prompt.unicodeScalars)
        guard let copy = unsafe strdup(prompt) else { return nil }
        unsafe self.prompt = copy
        clibedit_use_utf8()
        let owner = unsafe Unmanaged.passUnretained(self).toOpaque()
        editor = unsafe clibedit_make(
            "belfry",
            owner,
            { editor, key in unsafe LineEditor.owner(of: editor)?.read(into: key) ?? 0 },
            { editor in unsafe LineEditor.owner(of: editor)?.prompt }
        )
        guard let editor else { return nil }
        history = unsafe clibedit_make_history(editor, Int32(HistoryFile.maxLines))
        for line in file.load() { remember(line) }
    }

    deinit {
        if let editor { unsafe el_end(editor) }
        if let history { unsafe history_wend(history) }
        unsafe free(prompt)
    }

    private static func owner(of editor: OpaquePointer?) -> LineEditor? {
        guard let editor = unsafe editor, let owner = unsafe clibedit_owner(editor) else { return nil }
        return unsafe Unmanaged<LineEditor>.fromOpaque(owner).takeUnretainedValue()
    }

    /// Shows the prompt and has a line edited; nil when there are no more, or it is over.
    func nextLine() -> LineReader.Line? {
        guard let editor else { return nil }
        isEditing = true
        var count: Int32 = 0
        let wide = unsafe el_wgets(editor, &count)
        isEditing = false
        guard let wide = unsafe wide, count > 0 else {
            // What comes next, the shell's prompt for one, begins a row of its own.
            StandardOutput.write("\n")
            return nil
        }
        var scalars = String.UnicodeScalarView()
        for index in 0..<Int(count) { scalars.append(Self.scalar(unsafe wide[index])) }
        while scalars.last == "\n" || scalars.last == "\r" { scalars.removeLast() }
        let line = String(scalars)
        if !line.allSatisfy(\.isWhitespace) {
            remember(line)
            file.append(line)
        }
        return .text(line)
    }

    /// Shows what other threads want shown, above the line if one is being edited.
    func tell(_ news: LineEvents.News) {
        guard let editor else { return }
        if news.isResized { unsafe el_resize(editor) }
        if news.isResumed, isEditing { unsafe clibedit_prepare_terminal(editor) }
        var texts = news.texts
        if news.lostTexts > 0 { texts.append("(\(news.lostTexts) more not shown)") }
        let text = texts.map { $0 + "\n" }.joined()
        guard isEditing else {
            if !text.isEmpty { StandardOutput.write(text) }
            return
        }
        if !text.isEmpty { StandardOutput.write(unsafe leaveRow(editor) + text) }
        if !text.isEmpty || news.isResumed { unsafe clibedit_redraw(editor) }
    }

    /// What clears the row with the prompt; a line of several rows is left standing and drawn again below.
    private func leaveRow(_ editor: OpaquePointer) -> String {
        guard let line = unsafe el_wline(editor)?.pointee else { return "\r" }
        var used = width
        let count = unsafe line.lastchar - line.buffer
        for index in 0..<max(count, 0) {
            used += Self.width(of: CollectionOfOne(Self.scalar(unsafe line.buffer[index])))
        }
        guard used < Int(clibedit_columns()) else { return "\r\n\u{1B}[J" }
        return "\r" + String(repeating: " ", count: used) + "\r"
    }

    private func remember(_ line: String) {
        guard let history else { return }
        let wide = line.unicodeScalars.map { Self.wide($0) } + [0]
        unsafe clibedit_remember(history, wide)
    }

    // MARK: Keys

    /// libedit asks for a key: 1 and the key, or 0 when there are no more.
    private func read(into key: UnsafeMutablePointer<wchar_t>?) -> Int32 {
        while true {
            if let scalar = keys.next() {
                unsafe key?.pointee = Self.wide(scalar)
                return 1
            }
            switch events.waitForInput() {
            case .end: return 0
            case .news(let news): tell(news)
            case .input:
                var block = [UInt8](repeating: 0, count: 1_024)
                let count = unsafe Glibc.read(STDIN_FILENO, &block, block.count)
                if count > 0 {
                    keys.append(block[..<count])
                } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
                    return 0
                }
            }
        }
    }

    private static func scalar(_ wide: wchar_t) -> Unicode.Scalar {
        Unicode.Scalar(UInt32(bitPattern: wide)) ?? "\u{FFFD}"
    }

    private static func wide(_ scalar: Unicode.Scalar) -> wchar_t { wchar_t(bitPattern: scalar.value) }

    /// Columns, rather one too many: outside ASCII characters may be twice as wide.
    private static func width(of scalars: some Sequence<Unicode.Scalar>) -> Int {
        scalars.reduce(0) { $0 + ($1.isASCII ? 1 : 2) }
    }
}
