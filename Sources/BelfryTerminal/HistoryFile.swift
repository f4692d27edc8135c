// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The lines of earlier sessions: a text file that only its owner can read, one entry a line, the newest last.
///
/// Whatever fails leaves a session without a memory, and nothing else.
struct HistoryFile {
    /// How many lines are kept, and how much of a file is looked at.
    static let maxLines = 1_000
    static let maxBytes = 1 << 20

    private let path: String?

    init(path: String?) { self.path = path }

    /// The newest lines, the oldest of them first; a file that has grown past its bounds is cut.
    func load() -> [String] {
        guard let path, let bytes = Self.contents(of: path) else { return [] }
        let all = bytes.split(separator: UInt8(ascii: "\n")).compactMap { String(validating: $0, as: UTF8.self) }
        let lines = Array(all.suffix(Self.maxLines))
        if all.count > lines.count || bytes.count >= Self.maxBytes { replace(with: lines) }
        return lines
    }

    /// Adds a line behind the others.
    func append(_ line: String) {
        guard let path, !line.utf8.contains(UInt8(ascii: "\n")) else { return }
        makeDirectory()
        Self.write([line], to: path, O_APPEND)
    }

    /// Writes a new file and puts it in the place of the old one, so that no moment has half of it.
    private func replace(with lines: [String]) {
        guard let path else { return }
        let new = "\(path).\(getpid())"
        if Self.write(lines, to: new, O_TRUNC), unsafe rename(new, path) == 0 { return }
        _ = unsafe unlink(new)
    }

    @discardableResult
    private static func write(_ lines: [String], to path: String, _ how: Int32) -> Bool {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | how, 0o600)
        guard file >= 0 else { return false }
        defer { _ = close(file) }
        // Also one that was there before, with another mode.
        guard fchmod(file, 0o600) == 0 else { return false }
        let bytes = lines.flatMap { Array($0.utf8) + [UInt8(ascii: "\n")] }
        return unsafe Glibc.write(file, bytes, bytes.count) == bytes.count
    }

    /// The last `maxBytes` of a file, from the beginning of a line.
    private static func contents(of path: String) -> ArraySlice<UInt8>? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { _ = close(file) }
        let end = lseek(file, 0, SEEK_END)
        let isCut = end > maxBytes
        guard end >= 0, lseek(file, isCut ? end - off_t(maxBytes) : 0, SEEK_SET) >= 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: maxBytes)
        var count = 0
        while count < maxBytes {
            let got = unsafe bytes[count...].withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
            guard got > 0 else { break }
            count += got
        }
        let part = bytes[..<count]
        guard isCut else { return part }
        return part.drop { $0 != UInt8(ascii: "\n") }
    }

    /// The folder and those above it, for their owner alone where they are new.
    private func makeDirectory() {
        guard let path, let end = path.lastIndex(of: "/") else { return }
        var folder = ""
        for part in path[..<end].split(separator: "/") {
            folder += "/\(part)"
            _ = unsafe mkdir(folder, 0o700)
        }
    }
}
