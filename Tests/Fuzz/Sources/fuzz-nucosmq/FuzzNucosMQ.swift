// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// What a decoder gave, to be compared between two ways of cutting the same stream.
private struct Trace: Equatable {
    var parts: [NucosDecoder.Part] = []
    var bytes: [[UInt8]] = []
    var buffered = 0
}

/// Feeds a stream in pieces whose sizes come from a seed; 0 gives one piece.
private func trace(_ stream: [UInt8], seed: UInt64, holds: Bool) -> Trace {
    var decoder = NucosDecoder(maxFrameBytes: 1024)
    var trace = Trace()
    var random = seed
    let handle: NucosDecoder.Handler = { part, bytes in
        trace.parts.append(part)
        trace.bytes.append([UInt8](bytes: bytes))
        check(part, bytes)
        return holds ? .hold : .next
    }
    var start = 0
    while start < stream.count {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let size = seed == 0 ? stream.count : Int(random >> 33) % 17 + 1
        let end = min(stream.count, start + size)
        decoder.decode(stream.span.extracting(start..<end), handle)
        while decoder.isHeld { decoder.resume(handle) }
        start = end
    }
    trace.buffered = decoder.bufferedBytes
    return trace
}

/// A message that was read can be written, and reads back as the same.
private func check(_ part: NucosDecoder.Part, _ bytes: Span<UInt8>) {
    guard case .frame(let frame) = part else { return }
    // Messages like the one before are compared with it, not read.
    guard (try? NucosFrame.parse(bytes)) == frame else { fatalError("it was not read as if it were alone") }
    let event = frame.eventName.string(in: bytes)
    let room = frame.room?.string(in: bytes)
    let written = NucosEncoder.frame(event: event, content: bytes.extracting(frame.content.range), room: room)
    guard let again = try? NucosFrame.parse(written.span) else { fatalError("what was written cannot be read") }
    guard again.length == written.count, NucosTerminator.end(in: written.span, from: 0) == written.count else {
        fatalError("what was written has a terminator inside")
    }
    guard again.eventName.equals(event, in: written.span), again.room?.string(in: written.span) == room else {
        fatalError("what was written says something else")
    }
    guard again.content.kind == frame.content.kind,
        again.content.text.utf8(in: written.span).count >= frame.content.text.utf8(in: bytes).count
    else { fatalError("the content changed") }
    guard written.allSatisfy({ $0 < 0x80 }) else { fatalError("what was written is not ASCII") }
}

/// libFuzzer's entry: the same stream, cut in three ways, gives the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNucosMQ(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let stream = Array(UnsafeBufferPointer(start: start, count: count))
    let whole = trace(stream, seed: 0, holds: false)
    let seed = stream.reduce(UInt64(count) | 1) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } | 1
    guard trace(stream, seed: seed, holds: false) == whole else { fatalError("the cuts made a difference") }
    guard trace(stream, seed: seed, holds: true) == whole else { fatalError("holding made a difference") }
    if let value = try? JSONScanner.validate(stream.span), value.kind == .string {
        var output: [UInt8] = []
        JSONWriter.append(value.text.string(in: stream.span), to: &output)
        guard (try? JSONScanner.validate(output.span)) != nil else { fatalError("a written text is no JSON") }
    }
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ entry: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The executable's entry: SwiftPM renames the `main` of an executable target to this.
@_cdecl("fuzz_nucosmq_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments, fuzzNucosMQ)
}
