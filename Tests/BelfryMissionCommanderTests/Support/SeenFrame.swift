// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import BelfryMissionCommander

/// What a decoder gave, with the ranges turned into text.
enum SeenFrame: Equatable {
    case frame(subject: String, value: String)
    case marked(FrameHeader.Mark, subject: String, value: String)
    case malformed(subject: String, JSONFault.Rule, offset: Int)
    case unreadable(FrameFault)

    init(_ part: FrameDecoder.Part, _ bytes: Span<UInt8>) {
        func text(_ value: JSONValue) -> String {
            String(decoding: [UInt8](bytes: bytes.extracting(value.range)), as: UTF8.self)
        }
        switch part {
        case .frame(let subject, let value):
            self = .frame(subject: subject, value: text(value))
        case .marked(let mark, let subject, let value):
            self = .marked(mark, subject: subject, value: text(value))
        case .malformed(let subject, let fault):
            self = .malformed(subject: subject, fault.rule, offset: fault.offset)
        case .unreadable(let fault):
            self = .unreadable(fault)
        }
    }

    var rule: FrameFault.Rule? {
        if case .unreadable(let fault) = self { fault.rule } else { nil }
    }
}

/// Feeds bytes to a decoder, cut at the given indices; holds and resumes after each `holdEvery`-th part.
func decodeFrames(
    _ bytes: [UInt8],
    cuts: [Int] = [],
    maxBodyBytes: Int = 16 << 20,
    holdEvery: Int? = nil
) -> (seen: [SeenFrame], buffered: Int) {
    var decoder = FrameDecoder(maxBodyBytes: maxBodyBytes)
    var seen: [SeenFrame] = []
    let handle: FrameDecoder.Handler = { part, bytes in
        seen.append(SeenFrame(part, bytes))
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

/// A header of 64 bytes, filled up with a byte.
func header(_ text: String, filledWith filler: UInt8 = 0) -> [UInt8] {
    header(Array(text.utf8), filledWith: filler)
}

/// A header of 64 bytes, filled up with a byte.
func header(_ text: [UInt8], filledWith filler: UInt8 = 0) -> [UInt8] {
    text + Array(repeating: filler, count: max(0, 64 - text.count))
}

/// A frame in the original's spelling, for texts without an escape.
func frameBytes(_ subject: String, _ body: String) -> [UInt8] {
    header(#"{"length": \#(body.utf8.count), "subject": "\#(subject)"}"#) + Array(body.utf8)
}
