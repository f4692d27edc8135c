// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension IRCMessage {
    /// The line, with CR and LF.
    ///
    /// Nothing is mended: a parameter that could end the line, or be read as several, is an error. So what a person
    /// typed can never become a command.
    ///
    /// - Throws: ``IRCError`` `.badMessage` for a command, tag or parameter that can't be written, `.tooLong` for more
    ///   than 512 bytes, or than 4,094 of tags.
    public func encoded() throws(IRCError) -> [UInt8] {
        guard Self.isCommand(command) else { throw Self.bad("its command is neither letters nor three digits") }
        var line = ""
        if let prefix {
            let text = prefix.description
            guard !text.isEmpty, Self.isMiddle(text) else { throw Self.bad("its prefix can't be written") }
            line += ":\(text) "
        }
        line += command
        for (index, parameter) in parameters.enumerated() {
            guard !parameter.utf8.contains(where: Byte.endsLines) else {
                throw Self.bad("a parameter holds CR, LF or NUL")
            }
            let isMiddle = Self.isMiddle(parameter)
            guard isMiddle || index == parameters.count - 1 else {
                throw Self.bad("a parameter that is not the last one is empty, holds a space or begins with a colon")
            }
            line += isMiddle ? " \(parameter)" : " :\(parameter)"
        }
        guard line.utf8.count + 2 <= IRCLimits.lineBytes else {
            throw IRCError(.tooLong, "the line has \(line.utf8.count) bytes, and 510 is the most")
        }
        return Array(try encodedTags().utf8) + Array(line.utf8) + [Byte.cr, Byte.lf]
    }

    private func encodedTags() throws(IRCError) -> String {
        guard !tags.isEmpty else { return "" }
        guard let text = IRCTags.encode(tags), !text.utf8.contains(0) else { throw Self.bad("a tag can't be written") }
        guard text.utf8.count <= IRCLimits.clientTagsBytes else {
            throw IRCError(.tooLong, "the tags have \(text.utf8.count) bytes, and 4094 is the most")
        }
        return "@\(text) "
    }

    private static func bad(_ why: String) -> IRCError { IRCError(.badMessage, why) }

    /// Whether a parameter needs no colon before it.
    private static func isMiddle(_ text: String) -> Bool {
        guard let first = text.utf8.first, first != Byte.colon else { return false }
        return !text.utf8.contains { $0 == Byte.space || Byte.endsLines($0) }
    }
}
