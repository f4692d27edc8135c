// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// What a client's text says, as far as the server looks at it (Pocketsocket wire, §2).
///
/// Ranges are of the text's bytes. Of several members of one name the last counts, as in the original.
struct ClientMessage: Equatable {
    /// Whether the text is a JSON object; everything else is passed on all the same.
    var isObject = false
    /// The value of `id`, whatever it is.
    var id: Range<Int>?
    /// `message`, where it is a text.
    var message: JSONText?
    /// The value of `data`.
    var data: Range<Int>?
    /// Whether there is a member `socket`, as in what the server itself says.
    var hasSocket = false

    /// Reads a text.
    init(_ text: Span<UInt8>) {
        // Into a copy: of what turns out to be no JSON nothing counts.
        var found = self
        let isRead = try? JSONScanner.readMembers(of: text) { name, value in found.take(name, value, text) }
        guard isRead == true else { return }
        found.isObject = true
        self = found
    }

    @inline(__always)
    private mutating func take(_ name: JSONText, _ value: JSONValue, _ text: Span<UInt8>) {
        switch name.shortName(in: text) {
        case ShortName("i", "d"): id = value.range
        case ShortName("m", "e", "s", "s", "a", "g", "e"): message = value.kind == .string ? value.text : nil
        case ShortName("d", "a", "t", "a"): data = value.range
        case ShortName("s", "o", "c", "k", "e", "t"): hasSocket = true
        default: break
        }
    }

    /// Channel and event of a `message`: what stands before the first dot and between it and the next.
    static func split(_ message: String) -> (channel: String, event: String) {
        // As JavaScript does: a dot with a combining mark behind it is a dot.
        let parts = message.utf8.split(separator: ASCII.dot, maxSplits: 2, omittingEmptySubsequences: false)
        return (parts.first.map { String(Substring($0)) } ?? "", parts.count > 1 ? String(Substring(parts[1])) : "")
    }
}
