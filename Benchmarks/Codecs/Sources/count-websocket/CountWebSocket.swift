// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Counting

/// WebSocket: a server reads masked messages of clients and writes its own.
@main
struct CountWebSocket {
    static func main() {
        serve([
            decode("decode 128 bytes, masked", .text, 128),
            decode("decode 16 KiB, masked", .text, 16_384),
            decode("decode 16 KiB of binary, masked", .binary, 16_384),
            encode("encode 128 bytes", 128),
            encode("encode 16 KiB", 16_384),
        ])
    }

    private static func decode(_ name: String, _ opcode: WebSocketOpcode, _ size: Int) -> Operation {
        Operation(name) { count in
            var frame: [UInt8] = []
            WebSocketEncoder.append(opcode, Array(letters(size).utf8).span, key: 0x1234_5678, to: &frame)
            var decoder = WebSocketDecoder(.server)
            var scratch: [UInt8] = []
            var done = 0
            for _ in 0..<count {
                decoder.decode(frame.span, scratch: &scratch) { event, bytes in
                    if case .message = event, bytes.count > size { done += 1 }
                }
            }
            return done
        }
    }

    private static func encode(_ name: String, _ size: Int) -> Operation {
        Operation(name) { count in
            let payload = Array(letters(size).utf8)
            var output: [UInt8] = []
            var done = 0
            for _ in 0..<count {
                output.removeAll(keepingCapacity: true)
                WebSocketEncoder.append(.text, payload.span, to: &output)
                if output.count > size { done += 1 }
            }
            return done
        }
    }
}
