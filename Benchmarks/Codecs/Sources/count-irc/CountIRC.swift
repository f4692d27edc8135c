// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Counting

/// IRC: lines as a server sends them.
@main
struct CountIRC {
    static func main() {
        serve([
            decode("decode a line", ":ann!ann@example.org PRIVMSG #tea :\(letters(128))\r\n"),
            decode(
                "decode a line with tags",
                "@time=2026-11-30T12:00:00.000Z;msgid=abc :ann!ann@example.org PRIVMSG #tea :\(letters(128))\r\n"
            ),
        ])
    }

    private static func decode(_ name: String, _ line: String) -> Operation {
        Operation(name) { count in
            let bytes = Array(line.utf8)
            var decoder = IRCDecoder()
            var done = 0
            for _ in 0..<count {
                decoder.decode(bytes.span) { part in
                    if case .message = part { done += 1 }
                }
            }
            return done
        }
    }
}
