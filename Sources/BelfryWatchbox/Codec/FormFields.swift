// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// The fields of a request's body, `application/x-www-form-urlencoded`.
struct FormFields {
    /// The values of all fields `group`, in order; the original takes the first alone.
    private(set) var groups: [String] = []
    /// The value of `text`, with the form's layer taken off; the first one counts.
    private(set) var encodedText: [UInt8]?
    /// The value of `wait`, in milliseconds; nil for none, or what is no number.
    private(set) var wait: Int?
    /// The value of `batch`.
    private(set) var batch: Int?
    /// The value of `resume`: the client wants to know where it stands, and has what came before that position.
    ///
    /// Ours, not the original's; empty for no position.
    private(set) var resume: String?
    /// Whether messages of a batch are to say where they stand: a field `at`, ours as well.
    private(set) var wantsPositions = false

    /// Reads a body.
    ///
    /// Fields that nobody knows are left out; `maxGroups` values of `group` and one more are read.
    init(_ body: Span<UInt8>, maxGroups: Int) {
        var start = 0
        while start < body.count {
            var end = start
            var equals: Int?
            while end < body.count, body[end] != UInt8(ascii: "&") {
                if equals == nil, body[end] == UInt8(ascii: "=") { equals = end }
                end += 1
            }
            let name = body.extracting(start..<(equals ?? end))
            let value = body.extracting(min(end, (equals ?? end) + 1)..<end)
            read(name, value, maxGroups)
            start = end + 1
        }
    }

    private mutating func read(_ name: Span<UInt8>, _ value: Span<UInt8>, _ maxGroups: Int) {
        if Self.equal(name, "group") {
            guard groups.count <= maxGroups else { return }
            groups.append(String(decoding: Percent.decode(value, isForm: true), as: UTF8.self))
        } else if Self.equal(name, "text") {
            if encodedText == nil { encodedText = Percent.decode(value, isForm: true) }
        } else if Self.equal(name, "wait") {
            wait = wait ?? Self.number(value)
        } else if Self.equal(name, "batch") {
            batch = batch ?? Self.number(value)
        } else if Self.equal(name, "resume") {
            resume = resume ?? String(decoding: Percent.decode(value, isForm: true).prefix(64), as: UTF8.self)
        } else if Self.equal(name, "at") {
            wantsPositions = true
        }
    }

    /// The value of `text` with both layers taken off, as UTF-8.
    var text: [UInt8]? {
        guard let encodedText else { return nil }
        guard encodedText.contains(UInt8(ascii: "%")) else { return Percent.repaired(encodedText) }
        return Percent.repaired(Percent.decode(encodedText.span, isForm: false))
    }

    private static func equal(_ name: Span<UInt8>, _ wanted: StaticString) -> Bool {
        guard name.count == wanted.utf8CodeUnitCount else { return false }
        var index = 0
        for byte in wanted.description.utf8 {
            guard name[index] == byte else { return false }
            index += 1
        }
        return true
    }

    /// At most nine digits, so that it can't overflow.
    private static func number(_ value: Span<UInt8>) -> Int? {
        guard (1...9).contains(value.count) else { return nil }
        var number = 0
        for index in value.indices {
            let digit = value[index] &- ASCII.zero
            guard digit < 10 else { return nil }
            number = number * 10 + Int(digit)
        }
        return number
    }
}
