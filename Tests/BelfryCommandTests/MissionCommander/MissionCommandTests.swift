// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import belfry

@Suite("Lines of the MissionCommander command line are understood", .timeLimit(.minutes(3)))
struct MissionCommandTests {
    static let clear: [(String, MissionCommand)] = [
        ("", .nothing), ("   ", .nothing),
        ("help", .help), ("HELP me", .help),
        ("quit", .leave), ("exit", .leave), ("Quit now", .leave),
        ("client help", .knownVerbs(.client)), ("Server Help", .knownVerbs(.server)),
        ("client set address 127.0.0.1", .set(.client, .address, .text("127.0.0.1"))),
        ("client set port 30000", .set(.client, .port, .integer(30_000, typed: "30000"))),
        ("client set port 030000", .set(.client, .port, .integer(30_000, typed: "030000"))),
        ("client set bind_port -1", .set(.client, .bindPort, .integer(-1, typed: "-1"))),
        ("CLIENT SET Client_ID KeepMyCase", .set(.client, .clientID, .text("KeepMyCase"))),
        ("client set client_id ''", .set(.client, .clientID, .text(""))),
        ("client set interface 'two words' surplus", .set(.client, .interface, .text("two words"))),
        ("server set interface *", .set(.server, .interface, .text("*"))),
        ("server set port 0", .set(.server, .port, .integer(0, typed: "0"))),
        ("client get CLIENT_ID", .get(.client, .clientID)), ("server get port surplus", .get(.server, .port)),
        ("client connect", .connect), ("client CONNECT now", .connect), ("client disconnect", .disconnect),
        ("server start", .start), ("server stop", .stop),
        ("client status", .status(.client)), ("server status", .status(.server)),
        (
            #"server send Echo '{"Message": "Hello!"}'"#,
            .send(subject: "Echo", payload: #"{"Message": "Hello!"}"#)
        ),
        ("server send '' {}", .send(subject: "", payload: "{}")),
    ]

    @Test("a line says what to do", arguments: clear)
    func understood(_ line: String, _ command: MissionCommand) throws {
        #expect(try MissionCommand(parsing: line) == command)
    }

    static let unclear: [(String, String)] = [
        ("foo", "Unknown controller 'foo'"), ("FOO bar", "Unknown controller 'foo'"), ("''", "Unknown controller ''"),
        ("client", "client: No verb specified"), ("server", "server: No verb specified"),
        ("client foo", "client: Unknown verb foo"), ("server FOO", "server: Unknown verb foo"),
        ("client start", "client: Unknown verb start"), ("client stop", "client: Unknown verb stop"),
        ("server connect", "server: Unknown verb connect"), ("client send", "client: Unknown verb send"),
        ("client set", "client: set: No field specified"), ("client get", "client: get: No field specified"),
        ("server set", "server: set: No field specified"), ("server get", "server: get: No field specified"),
        ("client set foo 1", "client: set: Unknown field foo"), ("client get foo", "client: get: Unknown field foo"),
        ("server set address x", "server: set: Unknown field address"),
        ("server get client_id", "server: get: Unknown field client_id"),
        ("client set port", "client: set port: No value specified"),
        ("server set interface", "server: set interface: No value specified"),
        ("client set port abc", "client: set port: abc is not a valid integer"),
        ("client set port ''", "client: set port:  is not a valid integer"),
        ("client set bind_port 1.5", "client: set bind_port: 1.5 is not a valid integer"),
        (
            "server set port 99999999999999999999",
            "server: set port: 99999999999999999999 is not a valid integer"
        ),
        ("server send", "server: send: No subject specified"),
        ("server send echo", "server: send: No payload specified: give a JSON object, such as '{}'"),
        ("client set address 'x", "Unterminated quote: close the ', or write \\' for a plain one"),
        ("client \\", "Nothing after the backslash: write \\\\ for a plain one"),
    ]

    @Test("a line that says nothing is answered", arguments: unclear)
    func refused(_ line: String, _ answer: String) {
        #expect(throws: MissionCommand.Complaint(text: answer)) { try MissionCommand(parsing: line) }
    }

    @Test("an answer is one line, and steers no terminal")
    func oneLine() {
        let answer = Answer.failed("a\nb\r\nc\u{1B}[31md\u{9B}e\u{2028}f\u{202E}g\u{7F}h\ti 👩‍👩‍👧 ü")
        #expect(answer.text == "a b  c [31md e f g h\ti 👩‍👩‍👧 ü")
    }
}
