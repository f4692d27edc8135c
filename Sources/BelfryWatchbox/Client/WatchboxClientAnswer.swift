// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// What a server answers (Watchbox protocol, §2).
enum WatchboxClientAnswer: Equatable {
    case code(WatchboxCode)
    /// One JSON text.
    case message([UInt8])
    /// Neither; also a code that nobody knows.
    case malformed

    init(_ body: [UInt8]) {
        if body.count == 4, let code = WatchboxCode(rawValue: String(decoding: body, as: UTF8.self)) {
            self = .code(code)
        } else if (try? JSONScanner.validate(body.span)) != nil {
            self = .message(body)
        } else {
            self = .malformed
        }
    }

    /// The messages of a batch: an array of `{"group":…,"message":…}`.
    ///
    /// - Returns: nil for what is none, or has a group that was not asked for: it is a message then.
    static func batch(_ body: [UInt8], of groups: [String]) -> [WatchboxFound]? {
        guard body.first == ASCII.openBracket else { return nil }
        do throws(JSONFault) {
            return try read(body, Set(groups))
        } catch {
            return nil
        }
    }

    private static func read(
        _ body: [UInt8],
        _ groups: Set<String>
    ) throws(JSONFault) -> [WatchboxFound]? {
        let bytes = body.span
        var found: [WatchboxFound] = []
        var scanner = JSONScanner()
        try scanner.expect(ASCII.openBracket, bytes)
        while true {
            scanner.skipWhitespace(bytes)
            guard try scanner.peek(bytes) == ASCII.openBrace, try scanner.enterObject(bytes) else { return nil }
            var group: String?
            var message: Range<Int>?
            var offset: UInt64?
            repeat {
                let name = try scanner.name(bytes)
                let value = try scanner.value(bytes)
                if name.equals("group", in: bytes), value.kind == .string, group == nil {
                    group = value.text.string(in: bytes)
                } else if name.equals("message", in: bytes), message == nil {
                    message = value.range
                } else if name.equals("at", in: bytes), value.kind == .number, offset == nil {
                    offset = UInt64(value.text.string(in: bytes))
                } else {
                    return nil
                }
            } while try scanner.nextMember(bytes)
            guard let group, let message, groups.contains(group) else { return nil }
            found.append(WatchboxFound(group: group, json: Array(body[message]), offset: offset))
            scanner.skipWhitespace(bytes)
            if try scanner.peek(bytes) == ASCII.closeBracket { break }
            try scanner.expect(ASCII.comma, bytes)
        }
        scanner.position += 1
        scanner.skipWhitespace(bytes)
        return scanner.position == bytes.count ? found : nil
    }
}
