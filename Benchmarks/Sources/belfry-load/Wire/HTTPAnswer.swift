// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// An answer in HTTP/1.1 with a `Content-Length`, at the beginning of some bytes.
struct HTTPAnswer {
    /// Counted from the beginning of the answer.
    let body: Range<Int>
    private let head: String

    /// Bytes of the whole answer.
    var length: Int { body.upperBound }

    /// Nothing if it is not there in full; throws at anything but status 200.
    init?(_ bytes: ArraySlice<UInt8>) throws {
        guard let end = bytes.end(of: Array("\r\n\r\n".utf8)) else { return nil }
        head = String(decoding: bytes[..<end], as: UTF8.self)
        guard head.hasPrefix("HTTP/1.1 200 "), let size = Self.value("content-length", in: head).flatMap({ Int($0) }),
            (0...1_048_576).contains(size)
        else { throw LoadError("an answer that will not do: \(head)") }
        guard bytes.endIndex - end >= size else { return nil }
        body = (end - bytes.startIndex)..<(end - bytes.startIndex + size)
    }

    /// The value of a cookie that the answer sets.
    func cookie(_ name: String) -> String? {
        guard let value = Self.value("set-cookie", in: head), value.hasPrefix(name + "=") else { return nil }
        return value.dropFirst(name.count + 1).split(separator: ";").first.map(String.init)
    }

    /// Where the value of `Date` stands, which is another one every second.
    static func date(in answer: [UInt8]) -> Range<Int>? {
        for name in ["\r\nDate: ", "\r\ndate: "] {
            guard let start = answer[...].end(of: Array(name.utf8)),
                let end = answer[start...].end(of: Array("\r\n".utf8))
            else { continue }
            return start..<(end - 2)
        }
        return nil
    }

    private static func value(_ name: String, in head: String) -> String? {
        for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix(name + ": ") {
            return String(line.dropFirst(name.count + 2))
        }
        return nil
    }
}
