// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Messages as captured on the wire (nucosMQ wire, §10).
enum Golden {
    /// A message, its length as captured, and what it says.
    struct Message: Sendable {
        let bytes: String
        let length: Int
        let event: String
        let content: String
        var room: String?
    }

    static let messages = [
        Message(
            bytes: #"{"data": {"event": "", "content": ""}}_EOM_"#,
            length: 43,
            event: "",
            content: #""""#
        ),
        Message(
            bytes: #"{"data": {"event": "start_auth", "content": ""}}_EOM_"#,
            length: 53,
            event: "start_auth",
            content: #""""#
        ),
        Message(
            bytes: #"{"data": {"event": "uid", "content": "testuser"}}_EOM_"#,
            length: 54,
            event: "uid",
            content: #""testuser""#
        ),
        Message(
            bytes: #"{"data": {"event": "challenge_auth", "content": "1234"}}_EOM_"#,
            length: 61,
            event: "challenge_auth",
            content: #""1234""#
        ),
        Message(
            bytes: #"{"data": {"event": "signature", "content": "1234"}}_EOM_"#,
            length: 56,
            event: "signature",
            content: #""1234""#
        ),
        Message(
            bytes: #"{"data": {"event": "auth_final", "content": "success"}}_EOM_"#,
            length: 60,
            event: "auth_final",
            content: #""success""#
        ),
        Message(
            bytes: #"{"data": {"event": "auth_final", "content": "failed"}}_EOM_"#,
            length: 59,
            event: "auth_final",
            content: #""failed""#
        ),
        Message(
            bytes: #"{"data": {"event": "thanks", "content": "i am in"}}_EOM_"#,
            length: 56,
            event: "thanks",
            content: #""i am in""#
        ),
        Message(
            bytes: #"{"data": {"event": "test-event alpha", "content": "hello alpha"}}_EOM_"#,
            length: 70,
            event: "test-event alpha",
            content: #""hello alpha""#
        ),
        Message(
            bytes: #"{"data": {"event": "obj", "content": {"k": [1, 2.5, true, null, "h\u00e9"]}}}_EOM_"#,
            length: 82,
            event: "obj",
            content: #"{"k": [1, 2.5, true, null, "h\u00e9"]}"#
        ),
        Message(
            bytes: #"{"data": {"event": "ping", "content": ""}}_EOM_"#,
            length: 47,
            event: "ping",
            content: #""""#
        ),
        Message(
            bytes: #"{"data": {"event": "pong", "content": ""}}_EOM_"#,
            length: 47,
            event: "pong",
            content: #""""#
        ),
        Message(
            bytes: #"{"data": {"event": "test-event", "content": "hello client", "room": "testuser"}}_EOM_"#,
            length: 85,
            event: "test-event",
            content: #""hello client""#,
            room: "testuser"
        ),
        Message(
            bytes: #"{"data": {"event": "bcast", "content": [1, 2]}}_EOM_"#,
            length: 52,
            event: "bcast",
            content: "[1, 2]"
        ),
        Message(
            bytes: #"{"data": {"event": "subscripe", "content": "weather"}}_EOM_"#,
            length: 59,
            event: "subscripe",
            content: #""weather""#
        ),
        Message(
            bytes: #"{"data": {"event": "today", "content": "sunny", "room": "weather"}}_EOM_"#,
            length: 72,
            event: "today",
            content: #""sunny""#,
            room: "weather"
        ),
        Message(
            bytes: #"{"data": {"event": "yesterday", "content": "rain", "room": "weather"}}_EOM_"#,
            length: 75,
            event: "yesterday",
            content: #""rain""#,
            room: "weather"
        ),
        Message(
            bytes: #"{"data": {"event": "shutdown", "content": "now"}}_EOM_"#,
            length: 54,
            event: "shutdown",
            content: #""now""#
        ),
        Message(
            bytes: #"{"data": {"event": "shutdown", "content": "confirmed"}}_EOM_"#,
            length: 60,
            event: "shutdown",
            content: #""confirmed""#
        ),
        Message(
            bytes: #"{"data": {"event": "challenge_auth", "content": {"nonce": "n-1", "for": "dictuser"}}}_EOM_"#,
            length: 90,
            event: "challenge_auth",
            content: #"{"nonce": "n-1", "for": "dictuser"}"#
        ),
        Message(
            bytes: #"{"data": {"event": "eom", "content": "x\u005fEOM_y"}}_EOM_"#,
            length: 58,
            event: "eom",
            content: #""x\u005fEOM_y""#
        ),
        Message(
            bytes: #"{"data": {"event": "q2", "content": "2", "room": "rm"}}_EOM_"#,
            length: 60,
            event: "q2",
            content: #""2""#,
            room: "rm"
        ),
    ]

    /// All of them, one behind the other.
    static let stream = messages.flatMap { Array($0.bytes.utf8) }
}
