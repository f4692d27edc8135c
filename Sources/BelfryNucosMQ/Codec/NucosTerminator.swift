// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// The five bytes `_EOM_` that end every message (nucosMQ wire, §2).
enum NucosTerminator {
    /// How many bytes it has.
    static let count = 5

    /// Whether it stands at an index.
    @inline(__always)
    static func stands(at index: Int, in bytes: Span<UInt8>) -> Bool {
        bytes.hasEOM(at: index)
    }

    /// The index behind the first terminator that starts at or behind an index; nil if there is none.
    @inline(__always)
    static func end(in bytes: Span<UInt8>, from start: Int) -> Int? {
        var index = start
        // Eight starts at a time. Two of the five bytes tell most of them apart, so a text full of underscores costs
        // one more load, not a comparison at each.
        while index &+ 10 <= bytes.count {
            let first = bytes.word(at: index) ^ ByteWord.repeating(ASCII.underscore)
            if ByteWord.zeros(first) == 0 {
                index &+= 8
                if index &+ ByteBlock.count <= bytes.count { index = afterPlainRun(bytes, from: index) }
                continue
            }
            let third = bytes.word(at: index &+ 2) ^ ByteWord.repeating(UInt8(ascii: "O"))
            let candidates = ByteWord.zeros(first | third)
            if candidates == 0 {
                index &+= 8
                continue
            }
            index &+= ByteWord.firstLane(candidates)
            if stands(at: index, in: bytes) { return index &+ count }
            index &+= 1
        }
        while index &+ count <= bytes.count {
            if stands(at: index, in: bytes) { return index &+ count }
            index &+= 1
        }
        return nil
    }

    /// The index up to which there is no underscore, as far as it is looked at in blocks.
    @inline(never)
    private static func afterPlainRun(_ bytes: Span<UInt8>, from start: Int) -> Int {
        ByteBlock.endOfRun(bytes, from: start) { !ByteBlock.has(ASCII.underscore, $0) }
    }

    /// How many bytes of a new piece complete a terminator that began in the bytes before it; nil if none does.
    static func endCrossing(from before: Span<UInt8>, into piece: Span<UInt8>) -> Int? {
        // At most one of the four ways to cut it can match: its beginnings are no endings of one another.
        for here in 1..<count {
            let there = count &- here
            guard before.count >= there, piece.count >= here else { continue }
            var matches = true
            for offset in 0..<there where before[before.count &- there &+ offset] != byte(offset) { matches = false }
            for offset in 0..<here where piece[offset] != byte(there &+ offset) { matches = false }
            if matches { return here }
        }
        return nil
    }

    private static func byte(_ offset: Int) -> UInt8 {
        switch offset {
        case 1: UInt8(ascii: "E")
        case 2: UInt8(ascii: "O")
        case 3: UInt8(ascii: "M")
        default: ASCII.underscore
        }
    }
}
