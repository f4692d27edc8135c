// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import Foundation

/// Standard output: one line at a time, in the order they are written.
actor PeerOutput {
    func answer(seq: JSON, result: JSON) { write(.object(["seq": seq, "result": result])) }

    func answer(seq: JSON, failure: String) { write(.object(["seq": seq, "error": .string(failure)])) }

    /// Tells that the registration `registration` of the object `name` fired.
    func event(_ event: String, name: String, on registration: String, content: Payload) {
        write([
            ("event", .string(event)), ("name", .string(name)), ("on", .string(registration)), ("content", content),
        ])
    }

    /// Tells of something by an object of its own.
    func write(event members: [String: JSON]) { write(.object(members)) }

    /// One object of JSON texts, each as it came over the wire: nothing may change on the way to the driver.
    func write(_ members: [(name: String, value: Payload)]) {
        var line = Data()
        for (name, value) in members {
            line.append(
                contentsOf: Data((line.isEmpty ? "{" : ",").utf8) + Data(Payload.string(name).bytes) + Data(":".utf8)
            )
            // JSON has line breaks only between tokens, where a blank does as well.
            line.append(contentsOf: value.bytes.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
        }
        write(line + Data("}".utf8))
    }

    private func write(_ value: JSON) {
        guard let line = try? JSONEncoder().encode(value) else { return }
        write(line)
    }

    private func write(_ line: Data) {
        // A driver that is gone is no reason to crash: the end of input follows.
        try? FileHandle.standardOutput.write(contentsOf: line + Data("\n".utf8))
    }
}

extension Payload {
    /// A JSON string.
    static func string(_ text: String) -> Payload {
        Payload(.json, bytes: Array((try? JSONEncoder().encode(text)) ?? Data("null".utf8)))
    }
}
