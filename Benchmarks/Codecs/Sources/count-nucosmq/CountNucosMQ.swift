// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import Counting

/// nucosMQ: messages of one publisher, as `belfry-load` sends them, and others.
@main
struct CountNucosMQ {
    static func main() {
        serve([
            decode("decode the same publication", [frame(letters(128))]),
            decode("decode publications that differ", (0..<16).map { frame("\($0 * 977)" + letters(96 + 4 * $0)) }),
            decode("decode an object", [object]),
            Operation("encode a text") { count in
                let text = letters(128)
                return encode(count) { NucosEncoder.append(event: "load", text: text, room: "r00000", to: &$0) }
            },
            Operation("encode an object") { count in
                let content = Array(#"{"k": [1, 2.5, true, null, "hé"], "place": "Bern", "degrees": -3}"#.utf8)
                return encode(count) {
                    NucosEncoder.append(event: "load", content: content.span, room: "r00000", to: &$0)
                }
            },
        ])
    }

    private static func frame(_ text: String) -> [UInt8] {
        Array(#"{"data": {"event": "load", "content": "\#(text)", "room": "r00000"}}_EOM_"#.utf8)
    }

    private static let object = Array(
        (#"{"data": {"event": "obj", "content": {"k": [1, 2.5, true, null, "h\u00e9"], "place": "Bern", "#
            + #""degrees": -3}, "room": "weather"}}_EOM_"#).utf8
    )

    /// Each frame in a read of its own.
    private static func decode(_ name: String, _ frames: [[UInt8]]) -> Operation {
        Operation(name) { count in
            var decoder = NucosDecoder()
            var done = 0
            for index in 0..<count {
                let frame = frames[index % frames.count]
                decoder.decode(frame.span) { part, _ in
                    if case .frame = part { done += 1 }
                    return .next
                }
            }
            return done
        }
    }

    private static func encode(_ count: Int, _ append: (inout [UInt8]) -> Void) -> Int {
        var output: [UInt8] = []
        var done = 0
        for _ in 0..<count {
            output.removeAll(keepingCapacity: true)
            append(&output)
            if output.last == UInt8(ascii: "_") { done += 1 }
        }
        return done
    }
}
