// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// Where the members that matter stand in a received JSON object; of those that come twice, the last.
struct PocketsocketMembers {
    var id: JSONValue?
    var message: JSONValue?
    var data: JSONValue?
    var socket: JSONValue?
    var messageID: JSONValue?
    var time: JSONValue?
    var attribute: JSONValue?
    var offset: JSONValue?
    var epoch: JSONValue?
    var start: JSONValue?
    var session: JSONValue?

    init() {}

    /// Reads an object; nil for what is no JSON object.
    init?(_ bytes: Span<UInt8>) {
        var found = self
        let isRead = try? JSONScanner.readMembers(of: bytes) { name, value in found.take(name, value, bytes) }
        guard isRead == true else { return nil }
        self = found
    }

    private mutating func take(_ name: JSONText, _ value: JSONValue, _ bytes: Span<UInt8>) {
        switch name.shortName(in: bytes) {
        case ShortName("i", "d"): id = value
        case ShortName("d", "a", "t", "a"): data = value
        case ShortName("t", "i", "m", "e"): time = value
        case ShortName("a", "t", "t", "r"): attribute = value
        case ShortName("m", "e", "s", "s", "a", "g", "e"): message = value
        case ShortName("s", "o", "c", "k", "e", "t"): socket = value
        case ShortName("m", "e", "s", "s", "a", "g", "e", "I", "d"): messageID = value
        case ShortName("a", "t"): offset = value
        case ShortName("e", "p", "o", "c", "h"): epoch = value
        case ShortName("o", "f", "f", "s", "e", "t"): start = value
        case ShortName("s", "e", "s", "s", "i", "o", "n"): session = value
        default: break
        }
    }
}

extension JSONValue {
    /// A string's text, decoded, and the JSON of anything else.
    func looseText(in bytes: Span<UInt8>) -> String { text.string(in: bytes) }
}
