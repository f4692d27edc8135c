// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension IRCMessage {
    /// Reads a line without its end; bytes that are no UTF-8 become U+FFFD.
    ///
    /// Several spaces in a row count as one. Parameters are not counted: the line's length bounds them.
    package init(line: [UInt8]) throws(IRCMalformed) {
        guard !line.contains(where: Byte.endsLines) else { throw .forbiddenByte }
        var reader = LineReader(line)
        var tags: [String: String] = [:]
        var prefix: IRCPrefix?
        if reader.take(Byte.at) { tags = IRCTags.parse(reader.word()) }
        reader.skipSpaces()
        if reader.take(Byte.colon) { prefix = IRCPrefix(parsing: reader.word()) }
        reader.skipSpaces()
        let command = reader.word()
        guard Self.isCommand(command) else { throw .noCommand }
        var parameters: [String] = []
        reader.skipSpaces()
        while !reader.isAtEnd {
            if reader.take(Byte.colon) {
                parameters.append(reader.rest())
                break
            }
            parameters.append(reader.word())
            reader.skipSpaces()
        }
        self.init(command.uppercased(), parameters, prefix: prefix, tags: tags)
    }

    /// Letters, or three digits (RFC 2812, 2.3.1).
    static func isCommand(_ text: String) -> Bool {
        let bytes = text.utf8
        if bytes.allSatisfy({ (0x41...0x5A).contains($0 & 0xDF) }) { return !bytes.isEmpty }
        return bytes.count == 3 && bytes.allSatisfy { (0x30...0x39).contains($0) }
    }
}

/// The bytes with a meaning.
enum Byte {
    static let lf: UInt8 = 0x0A
    static let cr: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let colon: UInt8 = 0x3A
    static let at: UInt8 = 0x40

    /// What no line may hold (RFC 2812, 2.3.1).
    static func endsLines(_ byte: UInt8) -> Bool { byte == 0 || byte == cr || byte == lf }
}

/// Walks through a line.
private struct LineReader {
    private let line: [UInt8]
    private var index = 0

    init(_ line: [UInt8]) { self.line = line }

    var isAtEnd: Bool { index == line.count }

    /// Steps over `byte` if it is the next one.
    mutating func take(_ byte: UInt8) -> Bool {
        guard index < line.count, line[index] == byte else { return false }
        index += 1
        return true
    }

    mutating func skipSpaces() {
        while index < line.count, line[index] == Byte.space { index += 1 }
    }

    /// The text up to the next space.
    mutating func word() -> String {
        let start = index
        while index < line.count, line[index] != Byte.space { index += 1 }
        return text(from: start)
    }

    /// The text up to the end.
    mutating func rest() -> String {
        let start = index
        index = line.count
        return text(from: start)
    }

    private func text(from start: Int) -> String {
        String(decoding: line[start..<index], as: UTF8.self)
    }
}
