// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a decoder gave, to be compared between two ways of cutting the same stream.
private struct Trace: Equatable {
    var parts: [IRCDecoder.Part] = []
    var buffered = 0
}

/// Feeds a stream in pieces whose sizes come from a seed; 0 gives one piece.
private func trace(_ stream: [UInt8], seed: UInt64) -> Trace {
    var decoder = IRCDecoder(maxLineBytes: 100, maxTagsBytes: 60)
    var trace = Trace()
    var random = seed
    var start = 0
    while start < stream.count {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let size = seed == 0 ? stream.count : Int(random >> 33) % 17 + 1
        let end = min(stream.count, start + size)
        decoder.decode(stream.span.extracting(start..<end)) { part in
            trace.parts.append(part)
            if case .message(let message) = part { check(message) }
        }
        start = end
        guard decoder.bufferedBytes < 160 else { fatalError("more is kept than a line has") }
    }
    trace.buffered = decoder.bufferedBytes
    return trace
}

/// A message that was read and can be written reads back as the same, and is one line.
private func check(_ message: IRCMessage) {
    guard let written = try? message.encoded() else { return }
    var decoder = IRCDecoder()
    var again: [IRCDecoder.Part] = []
    decoder.decode(written.span) { again.append($0) }
    guard again == [.message(message)] else { fatalError("what was written says something else") }
}

/// No text makes more than one message, and none is lost but line ends, NULs and spaces.
private func checkText(_ text: String) {
    for limit in [0, 7, 100] {
        var count = 0
        for line in IRCText.lines(of: text, maxBytes: limit) {
            guard line.utf8.count <= max(4, limit) else { fatalError("a line is too long") }
            let message = IRCMessage("PRIVMSG", ["#a", line])
            guard let written = try? message.encoded(), written.count(where: { $0 == Byte.lf }) == 1 else {
                fatalError("a line can't be sent")
            }
            check(message)
            count += line.unicodeScalars.count { $0 != " " }
        }
        let kept = text.unicodeScalars.count {
            ![0, 0x20, 0xA, 0xB, 0xC, 0xD, 0x85, 0x2028, 0x2029].contains($0.value)
        }
        guard count == kept else { fatalError("something was lost") }
    }
    let plain = IRCText.plain(text).unicodeScalars
    guard plain.allSatisfy({ $0.properties.generalCategory != .control || $0 == "\n" || $0 == "\r" }) else {
        fatalError("a plain text has codes")
    }
}

/// libFuzzer's entry: the same stream, cut in two ways, gives the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzIRC(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let stream = Array(UnsafeBufferPointer(start: start, count: count))
    let seed = stream.reduce(UInt64(count) | 1) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } | 1
    guard trace(stream, seed: 0) == trace(stream, seed: seed) else { fatalError("the cuts made a difference") }
    checkText(String(decoding: stream, as: UTF8.self))
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ entry: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The executable's entry: SwiftPM renames the `main` of an executable target to this.
@_cdecl("fuzz_irc_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments, fuzzIRC)
}
