// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import BelfryNucosMQ
import Testing

/// What a decoder gave, with the ranges turned into text.
enum Seen: Equatable {
    case frame(event: String, content: String, room: String?, bytes: [UInt8])
    case malformed(NucosMalformed.Rule, offset: Int, length: Int)
    case tooLong

    init(_ part: NucosDecoder.Part, _ bytes: Span<UInt8>) {
        switch part {
        case .frame(let frame):
            let copy = bytes.indices.map { bytes[$0] }
            self = .frame(
                event: frame.eventName.string(in: bytes),
                content: String(decoding: copy[frame.content.range], as: UTF8.self),
                room: frame.room?.string(in: bytes),
                bytes: copy
            )
        case .malformed(let malformed):
            self = .malformed(malformed.rule, offset: malformed.offset, length: malformed.length)
        case .tooLong:
            self = .tooLong
        }
    }

    static func frame(_ text: String, event: String, content: String, room: String? = nil) -> Seen {
        .frame(event: event, content: content, room: room, bytes: Array(text.utf8))
    }

    var rule: NucosMalformed.Rule? {
        if case .malformed(let rule, _, _) = self { rule } else { nil }
    }
}

/// Feeds bytes to a decoder, cut at the given indices; holds and resumes after each `holdEvery`-th part.
func decode(
    _ bytes: [UInt8],
    cuts: [Int] = [],
    maxFrameBytes: Int = 16 << 20,
    holdEvery: Int? = nil
) -> (seen: [Seen], buffered: Int) {
    var decoder = NucosDecoder(maxFrameBytes: maxFrameBytes)
    var seen: [Seen] = []
    let handle: NucosDecoder.Handler = { part, bytes in
        seen.append(Seen(part, bytes))
        // However it was read: the same as by itself.
        if case .frame(let frame) = part { #expect((try? NucosFrame.parse(bytes)) == frame) }
        if let holdEvery, seen.count % holdEvery == 0 { return .hold }
        return .next
    }
    var start = 0
    for cut in cuts + [bytes.count] {
        decoder.decode(bytes.span.extracting(start..<cut), handle)
        while decoder.isHeld { decoder.resume(handle) }
        start = cut
    }
    return (seen, decoder.bufferedBytes)
}

/// Decodes one text in one piece.
func decode(_ text: String) -> [Seen] {
    decode(Array(text.utf8)).seen
}

/// Decodes the only frame of a text and hands it on with its bytes.
func withFrame<Value>(_ text: String, _ body: (NucosFrame, Span<UInt8>) -> Value) throws -> Value {
    let bytes = Array(text.utf8)
    return body(try NucosFrame.parse(bytes.span), bytes.span)
}

extension NucosDecoder {
    /// Feeds bytes that live as long as the call.
    mutating func feed(_ bytes: some Sequence<UInt8>, _ handle: Handler) {
        let bytes = Array(bytes)
        decode(bytes.span, handle)
    }
}
