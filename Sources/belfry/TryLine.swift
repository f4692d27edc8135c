// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// A line to paste that shows the server at work.
enum TryLine {
    /// Joins a room, publishes to it, and prints what comes back.
    static func nucosmq(_ address: SocketAddress) -> String {
        let frames = [
            #"{"data": {"event": "subscripe", "content": "room"}}_EOM_"#,
            #"{"data": {"event": "hello", "content": "world", "room": "room"}}_EOM_"#,
        ].joined()
        switch address {
        case .unix(let path): return "printf '\(frames)' | timeout 1 socat - UNIX-CONNECT:\(path)"
        default:
            let host = address.host == "0.0.0.0" ? "127.0.0.1" : address.host
            let port = address.port ?? 0
            return
                #"bash -c 'exec 3<>/dev/tcp/\#(host)/\#(port); printf %s "$0" >&3; timeout 1 cat <&3' '\#(frames)'; echo"#
        }
    }

    /// The chat page.
    static func web(_ address: SocketAddress) -> String {
        switch address {
        case .unix(let path): return "curl --unix-socket \(path) http://localhost/healthz"
        default:
            let host = address.host == "0.0.0.0" ? "127.0.0.1" : address.host
            return "open http://\(host.contains(":") ? "[\(host)]" : host):\(address.port ?? 0)/ in two browsers"
        }
    }

    /// Says who it is, sends a message, which the server publishes to everybody, and prints what comes back.
    static func missioncommander(_ address: SocketAddress) -> String {
        let parts = [
            #"{"length": 12, "subject": "negotiation"}"#, #"{"id": "me"}"#,
            #"{"length": 20, "subject": "hello"}"#, #"{"message": "world"}"#,
        ]
        let host = address.host == "0.0.0.0" ? "127.0.0.1" : address.host
        let frames = "%-64s%s%-64s%s"
        let words = parts.map { "'\($0)'" }.joined(separator: " ")
        return #"bash -c 'exec 3<>/dev/tcp/\#(host)/\#(address.port ?? 0); printf "\#(frames)" "$@" >&3; "#
            + #"timeout 1 cat <&3' - \#(words); echo"#
    }
}
