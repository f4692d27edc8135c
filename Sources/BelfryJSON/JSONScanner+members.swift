// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// For readers of an object's members one by one.
extension JSONScanner {
    /// Reads one object with nothing but white space around it, member by member.
    ///
    /// - Parameters:
    ///   - bytes: The object.
    ///   - body: Gets each member's name and value.
    /// - Returns: false for bytes that begin with no object; they are not looked at further.
    /// - Throws: The first fault; what `body` got before it counts for nothing.
    @inline(__always)
    @inlinable package static func readMembers(
        of bytes: Span<UInt8>,
        _ body: (JSONText, JSONValue) -> Void
    ) throws(JSONFault) -> Bool {
        var scanner = JSONScanner()
        scanner.skipWhitespace(bytes)
        guard try scanner.peek(bytes) == ASCII.openBrace else { return false }
        var hasMember = try scanner.enterObject(bytes)
        while hasMember {
            let name = try scanner.name(bytes)
            body(name, try scanner.value(bytes))
            hasMember = try scanner.nextMember(bytes)
        }
        scanner.skipWhitespace(bytes)
        guard scanner.position == bytes.count else { throw JSONFault(.trailingBytes, at: scanner.position) }
        return true
    }

    /// Reads an opening brace; says whether a member follows, otherwise the closing brace has been read as well.
    @inline(__always)
    @inlinable package mutating func enterObject(_ bytes: Span<UInt8>) throws(JSONFault) -> Bool {
        position &+= 1
        skipWhitespace(bytes)
        guard try peek(bytes) == ASCII.closeBrace else { return true }
        position &+= 1
        return false
    }

    /// Reads what follows a member; says whether another one comes, otherwise the closing brace has been read.
    @inline(__always)
    @inlinable package mutating func nextMember(_ bytes: Span<UInt8>) throws(JSONFault) -> Bool {
        skipWhitespace(bytes)
        if try peek(bytes) == ASCII.comma {
            position &+= 1
            skipWhitespace(bytes)
            return true
        }
        try expect(ASCII.closeBrace, bytes)
        return false
    }
}
