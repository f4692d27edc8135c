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
        var found = ClientMessage.nothing
        do throws(JSONFault) {
            try found.read(text)
            self = found
        } catch {
            self = .nothing
        }
    }

    private init() {}
    private static let nothing = ClientMessage()

    private mutating func read(_ text: Span<UInt8>) throws(JSONFault) {
        var scanner = JSONScanner()
        scanner.skipWhitespace(text)
        guard try scanner.peek(text) == ASCII.openBrace else { return }
        var hasMember = try scanner.enterObject(text)
        while hasMember {
            let name = try scanner.name(text).shortName(in: text)
            let value = try scanner.value(text)
            switch name {
            case ShortName("i", "d"): id = value.range
            case ShortName("m", "e", "s", "s", "a", "g", "e"): message = value.kind == .string ? value.text : nil
            case ShortName("d", "a", "t", "a"): data = value.range
            case ShortName("s", "o", "c", "k", "e", "t"): hasSocket = true
            default: break
            }
            hasMember = try scanner.nextMember(text)
        }
        scanner.skipWhitespace(text)
        guard scanner.position == text.count else { throw JSONFault(.trailingBytes, at: scanner.position) }
        isObject = true
    }

    /// Channel and event of a `message`: what stands before the first dot and between it and the next.
    static func split(_ message: String) -> (channel: String, event: String) {
        // As JavaScript does: a dot with a combining mark behind it is a dot.
        let parts = message.utf8.split(separator: ASCII.dot, maxSplits: 2, omittingEmptySubsequences: false)
        return (parts.first.map { String(Substring($0)) } ?? "", parts.count > 1 ? String(Substring(parts[1])) : "")
    }
}
