// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import Counting

/// MissionCommander: frames with a short body, and one that has to be escaped.
@main
struct CountMissionCommander {
    static func main() {
        let plain = Array(#"{"m": "\#(letters(128))"}"#.utf8)
        let umlauts = Array(#"{"m": "grüezi mitenand, wie gaht's?"}"#.utf8)
        serve([
            Operation("decode") { count in
                var frame: [UInt8] = []
                try? FrameEncoder.append(subject: "load", body: plain.span, to: &frame)
                var decoder = FrameDecoder()
                var done = 0
                for _ in 0..<count {
                    decoder.decode(frame.span) { part, _ in
                        if case .frame = part { done += 1 }
                        return .next
                    }
                }
                return done
            },
            encode("encode", plain),
            encode("encode what is not ASCII", umlauts),
        ])
    }

    private static func encode(_ name: String, _ body: [UInt8]) -> Operation {
        Operation(name) { count in
            var output: [UInt8] = []
            var done = 0
            for _ in 0..<count {
                output.removeAll(keepingCapacity: true)
                guard (try? FrameEncoder.append(subject: "load", body: body.span, to: &output)) != nil else { break }
                if output.last == UInt8(ascii: "}") { done += 1 }
            }
            return done
        }
    }
}
