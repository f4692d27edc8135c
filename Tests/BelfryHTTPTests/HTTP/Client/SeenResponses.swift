// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP

/// What a response decoder gave, comparable between two ways of cutting the same stream.
struct SeenResponses: Equatable {
    struct Seen: Equatable {
        var head: HTTPResponseHead
        var body: [UInt8] = []
        var isComplete = false
    }

    var responses: [Seen] = []
    var fault: HTTPResponseFault?
    /// Not compared: it may be more where more came at once.
    var maxBuffered = 0

    static func == (left: SeenResponses, right: SeenResponses) -> Bool {
        left.responses == right.responses && left.fault == right.fault
    }

    /// `200 "body"`, as many as there were, and what was wrong.
    var summary: String {
        let all = responses.map { seen in
            "\(seen.head.status) \(String(decoding: seen.body, as: UTF8.self).debugDescription)"
                + (seen.isComplete ? "" : "…")
        }
        return (all + (fault.map { ["\($0)"] } ?? [])).joined(separator: ", ")
    }
}

/// Decodes a stream that answers one request, cut before each of the given indices; `ends` when it ends behind it.
func decodeResponse(
    _ bytes: [UInt8],
    isToHead: Bool = false,
    cuts: [Int] = [],
    limits: HTTPResponseDecoder.Limits = .init(),
    ends: Bool = false
) -> SeenResponses {
    var decoder = HTTPResponseDecoder(limits: limits)
    var seen = SeenResponses()
    let handle: HTTPResponseDecoder.Handler = { part, bytes in
        switch part {
        case .head(let head): seen.responses.append(.init(head: head))
        case .body: for index in bytes.indices { seen.responses[seen.responses.count - 1].body.append(bytes[index]) }
        case .end: seen.responses[seen.responses.count - 1].isComplete = true
        case .fault(let fault): seen.fault = fault
        }
    }
    decoder.expect(isToHead: isToHead)
    var start = 0
    for end in cuts + [bytes.count] where end >= start {
        decoder.decode(bytes.span.extracting(start..<end), handle)
        seen.maxBuffered = max(seen.maxBuffered, decoder.bufferedBytes)
        start = end
    }
    if ends { decoder.end(handle) }
    return seen
}
