// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The command line of the example.
struct Options {
    static let usage = "ChatBoxIRC [--irc HOST:PORT] [--nick NAME] [--lobby CHANNEL] [--file FILE.db] [--port N]"

    var host = "127.0.0.1"
    var ircPort: UInt16 = 6667
    var nickname = "belfry"
    var lobby = "#belfry"
    /// The database's path without its ending.
    var box = "chatbox"
    var port: UInt16 = 8000

    /// Nil for a command line that can't be read.
    init?(_ words: ArraySlice<String>) {
        var words = words
        while let option = words.popFirst() {
            guard let value = words.popFirst(), read(option, value) else { return nil }
        }
    }

    private mutating func read(_ option: String, _ value: String) -> Bool {
        switch option {
        case "--irc":
            guard let colon = value.lastIndex(of: ":"), let port = UInt16(value[value.index(after: colon)...]) else {
                return false
            }
            host = String(value[..<colon])
            ircPort = port
        case "--nick": nickname = value
        case "--lobby": lobby = value
        case "--file": box = value.hasSuffix(".db") ? String(value.dropLast(3)) : value
        case "--port":
            guard let number = UInt16(value) else { return false }
            port = number
        default: return false
        }
        return true
    }
}
