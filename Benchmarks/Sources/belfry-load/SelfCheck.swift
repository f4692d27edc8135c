// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `belfry-load self-check`: the parsers and the counter against input cut at every byte.
struct SelfCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "self-check",
        abstract: "Checks the wire modules and the frame counter without any server."
    )

    mutating func run() throws {
        for wire in Wires.all {
            let sample = Sample(wire)
            try checkParser(wire, sample)
            try checkCounter(wire, sample)
            try checkCorruption(wire, sample)
            print("\(wire.name): ok")
        }
    }

    /// What a server says on a wire, in pieces, and what each piece is.
    private struct Sample {
        let pieces: [(bytes: String, item: WireItem)]
        let delivery: (Int) -> [UInt8]
        let payloadOffset: Int

        init(_ wire: any Wire) {
            func text(_ sequence: Int) -> String { String(decoding: Stamp.payload(sequence, size: 128), as: UTF8.self) }
            let head: String
            let tail: String
            let others: [(String, WireItem)]
            switch wire.name {
            case "nucosmq":
                (head, tail) = (#"{"data": {"event": "load", "content": ""#, #"", "room": "r"}}_EOM_"#)
                others = [(#"{"data": {"event": "pong", "content": ""}}_EOM_"#, .ready)]
            case "missioncommander":
                func header(_ text: String) -> String { text + String(repeating: "\0", count: 64 - text.utf8.count) }
                (head, tail) = (header(#"{"length": 137, "subject": "load"}"#) + #"{"m": ""#, #""}"#)
                others = [(header(#"{"length": 8, "subject": "in"}"#) + #"{"n": 7}"#, .ready)]
            case "nats":
                (head, tail) = ("MSG r 1 128\r\n", "\r\n")
                others = [(#"INFO {"a":"b"}"# + "\r\n", .greeting), ("PONG\r\n", .ready), ("PING\r\n", .interlude)]
            default:
                (head, tail) = ("*3\r\n$7\r\nmessage\r\n$1\r\nr\r\n$128\r\n", "\r\n")
                others = [
                    ("*3\r\n$9\r\nsubscribe\r\n$1\r\nr\r\n:1\r\n", .ready), ("+PONG\r\n", .ready),
                    (":100\r\n", .acknowledgement),
                ]
            }
            delivery = { Array((head + text($0) + tail).utf8) }
            payloadOffset = head.utf8.count
            let payload = payloadOffset..<(payloadOffset + 128)
            pieces = others + [(head + text(0) + tail, .delivery(payload: payload))] + others
        }
    }

    private func checkParser(_ wire: any Wire, _ sample: Sample) throws {
        let stream = sample.pieces.flatMap { Array($0.bytes.utf8) }
        for cut in 0...stream.count {
            var buffer: [UInt8] = []
            var items: [WireItem] = []
            for part in [stream[..<cut], stream[cut...]] {
                buffer += part
                while let (item, length) = try wire.parse(buffer[...]) {
                    items.append(item)
                    buffer.removeFirst(length)
                }
            }
            guard items == sample.pieces.map(\.item), buffer.isEmpty else {
                throw LoadError("\(wire.name): cut at \(cut) the parser saw \(items)")
            }
        }
    }

    /// Five frames with an interlude where the wire has one, walked in two parts, or skipped in between.
    private func checkCounter(_ wire: any Wire, _ sample: Sample) throws {
        let first = sample.delivery(0)
        let clean = (1...5).flatMap(sample.delivery)
        let stream = sample.delivery(1) + wire.interlude + (2...5).flatMap(sample.delivery)
        for cut in 0...stream.count {
            var counter = FrameCounter(frame: first, stampOffset: sample.payloadOffset, interlude: wire.interlude)
            try walk(stream[..<cut], &counter)
            try walk(stream[cut...], &counter)
            let interludes = wire.interlude.isEmpty ? 0 : 1
            guard counter.frames == 6, counter.isAtBoundary, counter.interludes == interludes else {
                throw LoadError("\(wire.name): cut at \(cut) the counter saw \(counter.frames) frames")
            }
            guard cut <= clean.count else { continue }
            var skipping = FrameCounter(frame: first, stampOffset: sample.payloadOffset, interlude: wire.interlude)
            skipping.skip(cut)
            try walk(clean[cut...], &skipping)
            guard skipping.frames == 6, skipping.isAtBoundary else {
                throw LoadError("\(wire.name): skipped \(cut) badly")
            }
        }
    }

    /// A changed byte, a lost frame and a repeated one must be found.
    private func checkCorruption(_ wire: any Wire, _ sample: Sample) throws {
        let good = (1...2).flatMap(sample.delivery)
        var bad = good.indices.map { index in
            var stream = good
            stream[index] ^= 0x01
            return stream
        }
        bad.append(sample.delivery(2))
        bad.append(sample.delivery(1) + sample.delivery(1))
        for (index, stream) in bad.enumerated() {
            var counter = FrameCounter(
                frame: sample.delivery(0),
                stampOffset: sample.payloadOffset,
                interlude: wire.interlude
            )
            do {
                try walk(stream[...], &counter)
            } catch {
                continue
            }
            throw LoadError("\(wire.name): corruption \(index) went unnoticed")
        }
    }

    private func walk(_ bytes: ArraySlice<UInt8>, _ counter: inout FrameCounter) throws {
        try bytes.withUnsafeBytes { try counter.walk($0, everything: true) }
    }
}
