// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A frame as captured on the wire (MissionCommander wire, §12).
struct GoldenFrame: Sendable {
    let header: String
    /// How many NULs follow.
    let padding: Int
    let body: String
    let subject: String
    /// The body before the original escaped it.
    let payload: String

    init(_ header: String, padding: Int, _ body: String, subject: String, payload: String? = nil) {
        self.header = header
        self.padding = padding
        self.body = body
        self.subject = subject
        self.payload = payload ?? body
    }

    var bytes: [UInt8] { Array(header.utf8) + Array(repeating: 0, count: padding) + Array(body.utf8) }

    static let negotiation = GoldenFrame(
        #"{"length": 26, "subject": "negotiation"}"#,
        padding: 24,
        #"{"id": "Id0123456789abcd"}"#,
        subject: "negotiation"
    )
    static let echo = GoldenFrame(
        #"{"length": 21, "subject": "echo"}"#,
        padding: 31,
        #"{"message": "hello!"}"#,
        subject: "echo"
    )
    static let unicode = GoldenFrame(
        #"{"length": 75, "subject": "uni"}"#,
        padding: 32,
        #"{"m": "h\u00e9\u4e16", "n": 1, "f": 1.5, "b": true, "z": null, "l": [1, 2]}"#,
        subject: "uni",
        payload: #"{"m": "hé世", "n": 1, "f": 1.5, "b": true, "z": null, "l": [1, 2]}"#
    )
    static let longest = GoldenFrame(
        #"{"length": 2, "subject": "ssssssssssssssssssssssssssssssssssss"}"#,
        padding: 0,
        "{}",
        subject: String(repeating: "s", count: 36)
    )
    static let shutdown = GoldenFrame(
        #"{"length": 2, "subject": "shutdown"}"#,
        padding: 28,
        "{}",
        subject: "shutdown"
    )

    static let all = [negotiation, echo, unicode, longest, shutdown]
    static let stream = all.flatMap(\.bytes)
}
