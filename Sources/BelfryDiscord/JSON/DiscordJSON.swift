// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// A JSON object of Discord's, its members by name; of those that come twice, the last.
struct DiscordJSON {
    private let bytes: [UInt8]
    private let members: [String: JSONValue]

    /// Reads an object; nil for what is no JSON object.
    init?(_ bytes: [UInt8]) {
        var members: [String: JSONValue] = [:]
        let span = bytes.span
        let isRead = try? JSONScanner.readMembers(of: span) { name, value in members[name.string(in: span)] = value }
        guard isRead == true else { return nil }
        self.bytes = bytes
        self.members = members
    }

    /// The objects of an array, the others left out; nil for what is no JSON array.
    static func array(_ bytes: [UInt8]) -> [DiscordJSON]? {
        guard let value = try? JSONScanner.validate(bytes.span), value.kind == .array else { return nil }
        return objects(in: value, of: bytes)
    }

    private static func objects(in array: JSONValue, of bytes: [UInt8]) -> [DiscordJSON] {
        var found: [DiscordJSON] = []
        let span = bytes.span
        var scanner = JSONScanner(at: array.range.lowerBound + 1)
        while true {
            scanner.skipWhitespace(span)
            guard let value = try? scanner.value(span) else { return found }
            if value.kind == .object, let object = DiscordJSON(Array(bytes[value.range])) { found.append(object) }
            scanner.skipWhitespace(span)
            guard let next = try? scanner.peek(span), next == UInt8(ascii: ",") else { return found }
            scanner.position += 1
        }
    }

    func has(_ name: String) -> Bool { members[name].map { $0.kind != .null } ?? false }

    /// A string's text.
    func string(_ name: String) -> String? {
        guard let value = members[name], value.kind == .string else { return nil }
        return value.text.string(in: bytes.span)
    }

    /// A whole number, also one that is written as a string, as IDs are.
    func int(_ name: String) -> Int? {
        guard let value = members[name], value.kind == .number || value.kind == .string else { return nil }
        return Int(value.text.string(in: bytes.span))
    }

    func double(_ name: String) -> Double? {
        guard let value = members[name], value.kind == .number else { return nil }
        return Double(value.text.string(in: bytes.span))
    }

    /// Whether it is the literal `true`.
    func isTrue(_ name: String) -> Bool {
        guard let value = members[name], value.kind == .boolean else { return false }
        return value.text.string(in: bytes.span) == "true"
    }

    func object(_ name: String) -> DiscordJSON? {
        guard let value = members[name], value.kind == .object else { return nil }
        return DiscordJSON(Array(bytes[value.range]))
    }

    func array(_ name: String) -> [DiscordJSON] {
        guard let value = members[name], value.kind == .array else { return [] }
        return Self.objects(in: value, of: bytes)
    }

    /// A text as JSON, quotes included.
    static func quoted(_ text: String) -> String {
        var json: [UInt8] = []
        JSONWriter.append(text, to: &json)
        return String(decoding: json, as: UTF8.self)
    }
}
