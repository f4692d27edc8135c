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
        try checkReceipts()
        try checkMask()
        print("receipts and masks: ok")
    }

    private static let presence = WebSocketWire.text(
        #"{"socket": "connected", "port": 53872, "address": "127.0.0.1"}"#
    )

    private static func receipt(_ fraction: String, id: String = "0.lchkqdo") -> [UInt8] {
        WebSocketWire.text(
            #"{"time": "2026-11-21 09:59:23\#(fraction)", "messageId": "\#(id)", "socket": "sent", "attr": "json"}"#
        )
    }

    /// Receipts with and without a fraction, cut at every byte; and one for another message.
    private func checkReceipts() throws {
        let stream = [".539484", "", ".000001", ""].flatMap { Self.receipt($0) }
        for cut in 0...stream.count {
            var counter = ReceiptCounter(first: Self.receipt(".1"))
            for part in [stream[..<cut], stream[cut...]] { try part.withUnsafeBytes { try counter.walk($0) } }
            guard counter.frames == 5, counter.isAtBoundary else {
                throw LoadError("receipts: cut at \(cut) the counter saw \(counter.frames)")
            }
        }
        for wrong in [Self.receipt("", id: "0.other11"), Self.presence] {
            var counter = ReceiptCounter(first: Self.receipt(".1"))
            guard (try? wrong.withUnsafeBytes { try counter.walk($0) }) == nil else {
                throw LoadError("a wrong receipt went unnoticed")
            }
        }
    }

    /// A stamp written into a masked publication must come out of it.
    private func checkMask() throws {
        let sample = Stamp.payload(0, size: 128)
        var publication = WebSocketWire.pocketsocket.publication(room: "", payload: sample)
        guard let stamp = WebSocketWire.pocketsocket.stamp(in: publication, payload: sample),
            let frame = publication.withUnsafeBytes({ WebSocketFrame($0) }), frame.length == publication.count
        else { throw LoadError("a publication is no frame") }
        publication.withUnsafeMutableBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            Stamp.write(0x1234_5678_9abc, to: base + stamp.offset)
            Stamp.mask(base + stamp.offset, with: stamp.mask)
        }
        let key = publication[(frame.headerBytes - 4)..<frame.headerBytes]
        let text = publication[frame.headerBytes...].enumerated().map { $1 ^ key[key.startIndex + $0 & 3] }
        guard text[...].end(of: Stamp.payload(0x1234_5678_9abc, size: 128)) != nil else {
            throw LoadError("a masked stamp does not come out")
        }
    }

    /// What a server says on a wire, in pieces, and what each piece is.
    private struct Sample {
        let pieces: [(bytes: [UInt8], item: WireItem)]
        let delivery: (Int) -> [UInt8]
        let payloadOffset: Int

        init(_ wire: any Wire) {
            func text(_ sequence: Int) -> String { String(decoding: Stamp.payload(sequence, size: 128), as: UTF8.self) }
            let head: [UInt8]
            let tail: [UInt8]
            var others: [([UInt8], WireItem)]
            switch wire.name {
            case "nucosmq":
                (head, tail) = (
                    Array(#"{"data": {"event": "load", "content": ""#.utf8), Array(#"", "room": "r"}}_EOM_"#.utf8)
                )
                others = [(Array(#"{"data": {"event": "pong", "content": ""}}_EOM_"#.utf8), .ready)]
            case "missioncommander":
                func header(_ text: String) -> [UInt8] {
                    Array(text.utf8) + Array(repeating: 0, count: 64 - text.utf8.count)
                }
                (head, tail) = (
                    header(#"{"length": 137, "subject": "load"}"#) + Array(#"{"m": ""#.utf8), Array(#""}"#.utf8)
                )
                others = [(header(#"{"length": 8, "subject": "in"}"#) + Array(#"{"n": 7}"#.utf8), .ready)]
            case "nats":
                (head, tail) = (Array("MSG r 1 128\r\n".utf8), Array("\r\n".utf8))
                others = [
                    (Array((#"INFO {"a":"b"}"# + "\r\n").utf8), .greeting), (Array("PONG\r\n".utf8), .ready),
                    (Array("PING\r\n".utf8), .interlude),
                ]
            case "mqtt":
                // 128 + 2 + 1 bytes remain, in two bytes.
                (head, tail) = ([0x30, 0x83, 0x01, 0, 1] + Array("r".utf8), [])
                others = [([0x20, 2, 0, 0], .greeting), ([0x90, 3, 0, 1, 0], .ready), ([0xD0, 0], .ready)]
            case "pocketsocket", "websocket", "websocket-echo":
                let frame = WebSocketWire.delivery(text(0))
                let end = frame[...].end(of: Array(text(0).utf8)) ?? 0
                (head, tail) = (Array(frame[..<(end - 128)]), Array(frame[end...]))
                others = [(WebSocketWire.acceptance, .ready)]
                if wire.acknowledges { others.append((SelfCheck.receipt(".5"), .acknowledgement)) }
                if wire.announces { others.append((SelfCheck.presence, .interlude)) }
            case "http":
                (head, tail) = (HTTPSample.head(137) + Array("Hello, ".utf8), Array("!\n".utf8))
                others = [(HTTPSample.head(15) + Array("Hello, nobody!\n".utf8), .ready)]
            case "watchbox":
                (head, tail) = (HTTPSample.head(130) + [UInt8(ascii: "\"")], [UInt8(ascii: "\"")])
                others = [("wb42", WireItem.greeting), ("wb31", .ready), ("wb21", .acknowledgement)].map {
                    (HTTPSample.head(4) + Array($0.utf8), $1)
                }
            default:
                (head, tail) = (Array("*3\r\n$7\r\nmessage\r\n$1\r\nr\r\n$128\r\n".utf8), Array("\r\n".utf8))
                others = [
                    (Array("*3\r\n$9\r\nsubscribe\r\n$1\r\nr\r\n:1\r\n".utf8), .ready),
                    (Array("+PONG\r\n".utf8), .ready), (Array(":100\r\n".utf8), .acknowledgement),
                ]
            }
            delivery = { [head, tail] in head + Array(text($0).utf8) + tail }
            payloadOffset = head.count
            let payload = payloadOffset..<(payloadOffset + 128)
            pieces = others + [(delivery(0), .delivery(payload: payload))] + others
        }
    }

    /// What stands before an answer's body.
    private enum HTTPSample {
        static func head(_ length: Int) -> [UInt8] {
            let date = "Mon, 30 Nov 2026 12:00:00 GMT"
            return Array("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\nDate: \(date)\r\n\r\n".utf8)
        }
    }

    private func checkParser(_ wire: any Wire, _ sample: Sample) throws {
        let stream = sample.pieces.flatMap(\.bytes)
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
        let first = sample.delivery(0)
        let varying = wire.varying(in: first) ?? 0..<0
        var bad = good.indices.filter { !varying.contains($0 % first.count) }.map { index in
            var stream = good
            stream[index] ^= 0x01
            return stream
        }
        bad.append(sample.delivery(2))
        bad.append(sample.delivery(1) + sample.delivery(1))
        for (index, stream) in bad.enumerated() {
            var counter = FrameCounter(
                frame: first,
                stampOffset: sample.payloadOffset,
                interlude: wire.interlude,
                varying: varying
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
