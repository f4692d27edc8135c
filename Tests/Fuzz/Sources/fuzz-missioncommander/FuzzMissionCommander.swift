// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// What a decoder gave, to be compared between two ways of cutting the same stream.
private struct Trace: Equatable {
    var parts: [FrameDecoder.Part] = []
    var bodies: [[UInt8]] = []
    var buffered = 0
}

/// Feeds a stream in pieces whose sizes come from a seed; 0 gives one piece.
private func trace(_ stream: [UInt8], seed: UInt64, holds: Bool) -> Trace {
    var decoder = FrameDecoder(maxBodyBytes: 1024)
    var trace = Trace()
    var random = seed
    let handle: FrameDecoder.Handler = { part, body in
        trace.parts.append(part)
        trace.bodies.append([UInt8](bytes: body))
        switch part {
        case .frame(let subject, let value): check(nil, subject, value, body)
        case .marked(let mark, let subject, let value): check(mark, subject, value, body)
        case .malformed, .unreadable: break
        }
        return holds ? .hold : .next
    }
    var start = 0
    while start < stream.count {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let size = seed == 0 ? stream.count : Int(random >> 33) % 97 + 1
        let end = min(stream.count, start + size)
        decoder.decode(stream.span.extracting(start..<end), handle)
        while decoder.isHeld { decoder.resume(handle) }
        start = end
    }
    trace.buffered = decoder.bufferedBytes
    return trace
}

/// A frame that was read can be written, if its subject fits, and reads back as the same, mark and all.
private func check(_ mark: FrameHeader.Mark?, _ subject: String, _ value: JSONValue, _ body: Span<UInt8>) {
    var written: [UInt8] = []
    let text = body.extracting(value.range)
    guard (try? FrameEncoder.append(subject: subject, body: text, mark: mark, to: &written)) != nil else {
        guard written.isEmpty, subject.utf8.count > 5 else {
            fatalError("a short subject was refused, or half written")
        }
        return
    }
    guard mark != nil || written.dropFirst(64).allSatisfy({ $0 < 0x80 }) else {
        fatalError("a body that was written is not ASCII")
    }
    var parts: [FrameDecoder.Part] = []
    var decoder = FrameDecoder()
    decoder.decode(written.span) { part, _ in
        parts.append(part)
        return .next
    }
    guard decoder.bufferedBytes == 0 else { fatalError("what was written is no whole frame") }
    switch parts.last {
    case .frame(subject, let read)? where read.kind == value.kind && (parts.count == 1) == (mark == nil):
        // A mark that did not fit: a room's offset goes before, and what is the server's own has room.
        if let mark, case .room(let offset) = mark {
            guard case .marked(.own(at: offset), subject: FrameEncoder.positionSubject, _)? = parts.first else {
                fatalError("the offset was lost")
            }
        }
    case .marked(mark, subject: subject, let read)? where read.kind == value.kind && parts.count == 1: break
    default: fatalError("what was written says something else")
    }
}

/// libFuzzer's entry: the same stream, cut in three ways, gives the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMissionCommander(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let stream = Array(UnsafeBufferPointer(start: start, count: count))
    let whole = trace(stream, seed: 0, holds: false)
    let seed = stream.reduce(UInt64(count) | 1) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } | 1
    guard trace(stream, seed: seed, holds: false) == whole else { fatalError("the cuts made a difference") }
    guard trace(stream, seed: seed, holds: true) == whole else { fatalError("holding made a difference") }
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ entry: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The executable's entry: SwiftPM renames the `main` of an executable target to this.
@_cdecl("fuzz_missioncommander_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments, fuzzMissionCommander)
}
