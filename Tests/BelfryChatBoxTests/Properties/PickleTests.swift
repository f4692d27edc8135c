// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BelfryChatBox

@Suite("Pickles hold plain values, and nothing else is read", .timeLimit(.minutes(1)))
struct PickleTests {
    @Test("what Python writes is read, of every protocol", arguments: PythonPickles.all.indices)
    func python(_ index: Int) {
        let golden = PythonPickles.all[index]
        #expect(golden.pickles.count == 6)
        for (number, pickle) in golden.pickles.enumerated() {
            #expect(PickleReader.value(of: bytes(pickle)) == golden.value, "protocol \(number)")
        }
    }

    @Test("what is written is read back", arguments: PythonPickles.all.indices)
    func roundTrip(_ index: Int) throws {
        let golden = PythonPickles.all[index]
        let pickle = try #require(PickleWriter.pickle(golden.value))
        #expect(PickleReader.value(of: pickle) == golden.value)
    }

    @Test("the empty dictionary is the five bytes of the original")
    func empty() {
        #expect(PickleWriter.pickle(.dictionary([:])) == [0x80, 0x04, 0x7D, 0x94, 0x2E])
    }

    @Test(
        "what is written has Python's bytes",
        arguments: [
            (
                PropertyValue.dictionary(["a": .int(1), "b": .int(2)]),
                "80049511000000000000007d94288c0161944b018c0162944b02752e"
            ),
            (.text("hi"), "8004950600000000000000" + "8c026869942e"),
            (.int(-5), "8004950600000000000000" + "4afbffffff2e"),
            (.bool(true), "8004882e"),
        ]
    )
    func golden(_ value: PropertyValue, _ hexadecimal: String) {
        #expect(PickleWriter.pickle(value) == bytes(hexadecimal))
    }

    @Test(
        "a pickle with anything else in it is refused as a whole",
        arguments: [
            // os.system("true"), by GLOBAL and REDUCE, and the same of protocol 4.
            "cposix\nsystem\n(S'true'\ntR.",
            "\u{80}\u{04}\u{8c}\u{05}posix\u{94}\u{8c}\u{06}system\u{94}\u{93}\u{94}\u{8c}\u{04}true\u{94}\u{85}\u{94}R\u{94}.",
            // Bytes, a set, a persistent id, an extension.
            "C\u{01}a.", "\u{8f}.", "P1\n.", "\u{82}\u{01}.",
            // Nothing, no end, too many, too few, no mark.
            "", ".", "N", "NN.", "(N.", "e.", "Ne.", "]NNs.", "}(Nu.", "]N.", "a.",
            // Unknown references, lengths beyond the end, an unknown protocol.
            "h\u{05}.", "gx\n.", "g-1\n.", "X\u{ff}\u{ff}\u{00}\u{00}a.",
            "\u{8d}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}.",
            "\u{80}\u{06}N.",
            // Numbers beyond 64 bits, and no numbers.
            "L9223372036854775808L\n.", "\u{8a}\u{09}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}\u{01}.", "Ix\n.",
            "Fx\n.",
            // Half a surrogate pair, a cut escape, no UTF-8.
            "V\\ud800\n.", "V\\u12\n.", "\u{8c}\u{01}\u{ff}.",
            // A list and a dictionary within themselves.
            "]\u{94}h\u{00}a.", "}\u{94}Nh\u{00}s.",
        ]
    )
    func refused(_ latin1: String) {
        let bytes = latin1.unicodeScalars.map { UInt8($0.value) }
        #expect(PickleReader.value(of: bytes) == nil)
        // The same opcodes without what is wrong are fine.
        #expect(PickleReader.value(of: Array("N.".utf8)) == .null)
    }

    @Test("depth, size and number of values have bounds")
    func bounds() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: 0x5D, count: depth) + Array(repeating: 0x61, count: depth - 1) + [0x2E]
        }
        #expect(PickleReader.value(of: nested(60)) != nil)
        #expect(PickleReader.value(of: nested(70)) == nil)
        #expect(PickleReader.value(of: nested(300_000)) == nil)
        // Each list has the one before twice: 2^40 values in 160 bytes.
        var bomb: [UInt8] = [0x5D, 0x94]
        for index in 0..<UInt8(40) { bomb += [0x5D, 0x94, 0x28, 0x68, index, 0x68, index, 0x65] }
        #expect(PickleReader.value(of: bomb + [0x2E]) == nil)
        let many = [0x5D, 0x28] + Array(repeating: UInt8(0x4E), count: 100_001) + [0x65, 0x2E]
        #expect(PickleReader.value(of: many) == nil)
        var deep = PropertyValue.null
        for _ in 0..<70 { deep = .list([deep]) }
        #expect(PickleWriter.pickle(deep) == nil)
        #expect(PickleWriter.pickle(.dictionary([.list([]): 1])) == nil)
    }

    @Test("cut at any byte, a pickle is refused", arguments: PythonPickles.all.indices)
    func cut(_ index: Int) {
        let golden = PythonPickles.all[index]
        for pickle in golden.pickles {
            let whole = bytes(pickle)
            for count in 0..<whole.count { #expect(PickleReader.value(of: Array(whole.prefix(count))) == nil) }
        }
    }

    @Test("no bytes whatever harm the reader")
    func fuzz() {
        var random = SplitMix(seed: 50)
        let seeds = PythonPickles.all.flatMap(\.pickles).map(bytes)
        var read = 0
        for _ in 0..<20_000 {
            var pickle = seeds[Int(random.next() % UInt64(seeds.count))]
            for _ in 0..<Int(random.next() % 4) {
                pickle[Int(random.next() % UInt64(pickle.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            if PickleReader.value(of: pickle) != nil { read += 1 }
        }
        #expect(read > 1_000)
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
    }
}

/// The same numbers each time.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
