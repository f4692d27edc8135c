// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The lines of standard input as they come, of a bounded length.
final class PlainInput {
    private let maxLineBytes: Int
    private let events: LineEvents
    private var bytes: [UInt8] = []
    /// Where the next line begins, and how far behind that a line end was looked for in vain.
    private var start = 0
    private var searched = 0
    private var isAtEnd = false
    private var isSkipping = false

    init(maxLineBytes: Int, events: LineEvents) {
        self.maxLineBytes = maxLineBytes
        self.events = events
    }

    /// The next line without its end; a last one without an end counts.
    func nextLine() -> LineReader.Line? {
        while true {
            if let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                return line(to: end, next: end + 1)
            }
            searched = bytes.count
            if searched - start > maxLineBytes {
                isSkipping = true
                drop(to: searched)
            }
            if isAtEnd {
                guard searched > start || isSkipping else { return nil }
                return line(to: searched, next: searched)
            }
            switch events.waitForInput() {
            case .input: fill()
            case .news: break
            case .end: return nil
            }
        }
    }

    private func line(to end: Int, next: Int) -> LineReader.Line {
        defer { if next == bytes.count || next > 1 << 20 { drop(to: next) } }
        let content = bytes[start..<end]
        (start, searched) = (next, next)
        if isSkipping || content.count > maxLineBytes {
            isSkipping = false
            return .tooLong(maxBytes: maxLineBytes)
        }
        guard let text = String(validating: content, as: UTF8.self) else { return .notUTF8 }
        return .text(text)
    }

    private func drop(to index: Int) {
        bytes.removeSubrange(..<index)
        (start, searched) = (0, 0)
    }

    private func fill() {
        var block = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe read(STDIN_FILENO, &block, block.count)
        if count > 0 {
            bytes += block[..<count]
        } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
            isAtEnd = true
        }
    }
}
