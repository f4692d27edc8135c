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
        guard let event = Self.text(event), let name = Self.text(name), let on = Self.text(registration) else { return }
        // As it came over the wire: nothing of it may change on the way to the driver. JSON has line breaks only
        // between tokens, where a blank does as well.
        let content = content.bytes.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
        let head = #"{"event":\#(event),"name":\#(name),"on":\#(on),"content":"#
        write(Data(head.utf8) + Data(content) + Data("}".utf8))
    }

    private static func text(_ text: String) -> String? {
        (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) }
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
