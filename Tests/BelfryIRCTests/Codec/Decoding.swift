// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIRC

/// Feeds bytes to a decoder, cut at the given indices.
func decode(
    _ bytes: [UInt8],
    cuts: [Int] = [],
    maxLineBytes: Int = 512,
    maxTagsBytes: Int = 8191
) -> (parts: [IRCDecoder.Part], buffered: Int) {
    var decoder = IRCDecoder(maxLineBytes: maxLineBytes, maxTagsBytes: maxTagsBytes)
    var parts: [IRCDecoder.Part] = []
    var start = 0
    for cut in cuts + [bytes.count] {
        decoder.decode(bytes.span.extracting(start..<cut)) { parts.append($0) }
        start = cut
    }
    return (parts, decoder.bufferedBytes)
}

/// The only message of a text, which gets its line end here; nil when it is not exactly one.
func message(_ line: String) -> IRCMessage? {
    let parts = decode(Array("\(line)\r\n".utf8)).parts
    guard parts.count == 1, case .message(let message) = parts[0] else { return nil }
    return message
}
