// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP

/// What a decoder gave, comparable between two ways of cutting the same stream.
struct SeenRequest: Equatable {
    var head = ""
    var layout = HTTPHeadLayout()
    var body: [UInt8] = []
    var isComplete = false
}

/// What a stream came to.
struct SeenStream: Equatable {
    var requests: [SeenRequest] = []
    var rest: [UInt8] = []
    var fault: HTTPFault?
    /// Not compared: it may be more where more came at once.
    var maxBuffered = 0

    static func == (left: SeenStream, right: SeenStream) -> Bool {
        left.requests == right.requests && left.rest == right.rest && left.fault == right.fault
    }

    mutating func take(_ part: HTTPRequestDecoder.Part, _ bytes: Span<UInt8>) {
        var copy: [UInt8] = []
        for index in bytes.indices { copy.append(bytes[index]) }
        switch part {
        case .head(let layout):
            let text = String(decoding: copy, as: UTF8.self)
            requests.append(SeenRequest(head: text, layout: layout, isComplete: !layout.hasBody))
        case .body: requests[requests.count - 1].body += copy
        case .end: requests[requests.count - 1].isComplete = true
        case .rest: rest += copy
        case .fault(let fault): self.fault = fault
        }
    }
}

/// Decodes a stream, cut before each of the given indices.
func decodeRequests(
    _ bytes: [UInt8],
    cuts: [Int] = [],
    limits: HTTPRequestDecoder.Limits = .init(),
    holds: Bool = false,
    releases: Bool = false
) -> SeenStream {
    var decoder = HTTPRequestDecoder(limits: limits)
    var seen = SeenStream()
    let handle: HTTPRequestDecoder.Handler = { part, bytes in
        seen.take(part, bytes)
        if releases, case .head = part { return .release }
        return holds ? .hold : .next
    }
    var start = 0
    for end in cuts + [bytes.count] where end >= start {
        decoder.decode(bytes.span.extracting(start..<end), handle)
        while decoder.isHeld { decoder.resume(handle) }
        seen.maxBuffered = max(seen.maxBuffered, decoder.bufferedBytes)
        start = end
    }
    return seen
}
