// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting

/// Somebody with an IRC program, as the server sees him: a socket and lines.
struct IRCPerson {
    let name: String
    private let socket: TestClient

    /// Is let in, and joins.
    init(_ name: String, on port: UInt16, in channels: String...) async throws {
        self.name = name
        socket = try await TestClient(to: .loopback(port: port))
        try await socket.send("NICK \(name)\r\nUSER \(name) 0 * :\(name)\r")
        _ = try await hears(" 001 ")
        for channel in channels {
            try await socket.send("JOIN \(channel)\r")
            _ = try await hears(" 366 ")
        }
    }

    /// Sends a line.
    func types(_ line: String) async throws { try await socket.send("\(line)\r") }

    /// Says something.
    func says(_ text: String, in channel: String) async throws { try await types("PRIVMSG \(channel) :\(text)") }

    /// The next line that holds a text, without its end; answers PING meanwhile.
    func hears(_ part: String) async throws -> String {
        while let line = await socket.line() {
            let line = line.last == "\r" ? String(line.dropLast()) : line
            if line.hasPrefix("PING") { try await types("PONG" + line.dropFirst(4)) }
            if line.contains(part) { return line }
        }
        throw ConditionNotMet("\(name) hears \(part) before the end")
    }

    /// Goes.
    func leaves() async { await socket.close() }
}
