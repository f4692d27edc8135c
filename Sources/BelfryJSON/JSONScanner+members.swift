// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// For readers of an object's members one by one.
extension JSONScanner {
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
