// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import belfry

@Suite("Words are split and quoted as a POSIX shell does", .timeLimit(.minutes(3)))
struct ShellWordsTests {
    static let lines: [(String, [String])] = [
        ("", []),
        (" \t\r\n ", []),
        ("one", ["one"]),
        ("  one\ttwo   three\r", ["one", "two", "three"]),
        ("'one two' three", ["one two", "three"]),
        (#""one two" three"#, ["one two", "three"]),
        ("''", [""]),
        (#"a '' "" b"#, ["a", "", "", "b"]),
        (#"a'b c'"d e"f"#, ["ab cd ef"]),
        (#"one\ two"#, ["one two"]),
        (#"\'one\""#, [#"'one""#]),
        (#"'one\two'"#, [#"one\two"#]),
        (#""say \"hi\" \\ \$HOME \`x\` \n""#, [#"say "hi" \ $HOME `x` \n"#]),
        (#"send echo '{"text": "it'"'"'s"}'"#, ["send", "echo", #"{"text": "it's"}"#]),
        ("a # no comment", ["a", "#", "no", "comment"]),
        ("$HOME * ~ `x` $(y) | & ;", ["$HOME", "*", "~", "`x`", "$(y)", "|", "&", ";"]),
        ("grün 世界 '👩‍👩‍👧 é'", ["grün", "世界", "👩‍👩‍👧 é"]),
        ("a\u{A0}b", ["a\u{A0}b"]),
    ]

    @Test("a line becomes words", arguments: lines)
    func split(_ line: String, _ words: [String]) throws {
        #expect(try ShellWords.split(line) == words)
    }

    @Test(
        "what is left open is an error that says so in a line",
        arguments: [
            ("one 'two", ShellWords.Fault.openQuote("'")), ("'", .openQuote("'")), (#""one"#, .openQuote("\"")),
            (#""one\"#, .openQuote("\"")), (#""one\""#, .openQuote("\"")), (#"one\"#, .loneBackslash),
            (#"'a'"b"#, .openQuote("\"")),
        ]
    )
    func open(_ line: String, _ fault: ShellWords.Fault) {
        #expect(throws: fault) { try ShellWords.split(line) }
        #expect(!fault.text.isEmpty && !fault.text.contains("\n"))
    }

    static let quoted: [(String, String)] = [
        ("", "''"), ("echo", "echo"), ("a-b_c.d/e:f=g@h%i+j,k", "a-b_c.d/e:f=g@h%i+j,k"), ("two words", "'two words'"),
        ("it's", #"'it'"'"'s'"#), ("'", #"''"'"''"#), ("*", "'*'"), ("$x", "'$x'"), ("grün", "'grün'"),
        (#"a\b"#, #"'a\b'"#), ("a\"b", "'a\"b'"),
    ]

    @Test("a word is quoted only if it has to be", arguments: quoted)
    func quote(_ word: String, _ quoted: String) {
        #expect(ShellWords.quote(word) == quoted)
    }

    @Test("what was quoted is read back as one word", arguments: quoted.map(\.0) + lines.map(\.0))
    func roundTrip(_ word: String) throws {
        #expect(try ShellWords.split(ShellWords.quote(word)) == [word])
    }
}
