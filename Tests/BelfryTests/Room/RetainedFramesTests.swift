// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Testing

@testable import Belfry
@testable import BelfryTesting

@Suite("Frames retained for clients that are away", .timeLimit(.minutes(3)))
struct RetainedFramesTests {
    private static func frames(_ retained: RetainedFrames, _ range: Range<UInt64>) -> [String] {
        var found: [String] = []
        retained.forEach(from: range.lowerBound, to: range.upperBound) { offset, bytes in
            found.append("\(offset):" + String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self))
        }
        return found
    }

    @Test("a range of offsets is read in order over roll-overs, frames without bytes left out")
    func ranges() async throws {
        try await withLoopContext { context in
            guard let room = context.room("room") else { return }
            let retained = room.retain(RetainedFrames(messages: 10_000, bytes: 1 << 20), format: LineFormat())
            for number in 0..<2_000 { room.publish(event: "", payload: .text("\(number)"), sender: .server) }
            #expect(retained.firstOffset == 0)
            let all = Self.frames(retained, 0..<2_000)
            #expect(all.count == 2_000)
            #expect(Self.frames(retained, 500..<503).count == 3)
            #expect(Self.frames(retained, 500..<503).first?.hasPrefix("500:") == true)
            #expect(Self.frames(retained, 1_999..<5_000).count == 1)
            #expect(Self.frames(retained, 2_000..<5_000).isEmpty)
            room.release(retained, format: LineFormat())
            #expect(room.logs.isEmpty)
        }
    }

    @Test("no more is kept than the bounds, to the next whole chunk", arguments: [(100, 1 << 30), (1 << 30, 10_000)])
    func bounds(_ messages: Int, _ bytes: Int) async throws {
        try await withLoopContext { context in
            guard let room = context.room("room") else { return }
            let retained = room.retain(RetainedFrames(messages: messages, bytes: bytes), format: LineFormat())
            let text = String(repeating: "x", count: 100)
            for _ in 0..<20_000 { room.publish(event: "", payload: .text(text), sender: .server) }
            // Two chunks of 256 KiB at most.
            #expect(retained.firstOffset > 20_000 - 2 * 2_700)
            #expect(Self.frames(retained, 19_900..<20_000).count == 100)
            room.release(retained, format: LineFormat())
        }
    }
}

@Suite("Rosters away from the room's home", .timeLimit(.minutes(3)))
struct RemoteRosterTests {
    @Test("what the home has not announced is not sent, though the log's memory shows it")
    func announced() async throws {
        try await withLoopContext { context in
            let log = FrameLog(format: LineFormat(), firstOffset: 0, meter: MemoryMeter())
            let roster = Roster(room: "room", format: log.format, tail: log.tail, seen: 0, context: context)
            let frame = Array("frame\n".utf8)
            for _ in 0..<10 { log.append(frame.span, key: 0) }
            #expect(roster.endOffset == 0)
            #expect(roster.batch(from: 0) == nil)
            #expect(roster.segment(of: 0) == nil)
            roster.see(4)
            #expect(roster.endOffset == 4)
            #expect(roster.batch(from: 0)?.to == 4)
            #expect(roster.batch(from: 0)?.batch?.byteCount == 24)
            #expect(roster.batch(from: 0, to: 3)?.batch?.byteCount == 18)
            #expect(roster.bytes(from: 1) == 18)
            // An older announcement takes nothing back.
            roster.see(2)
            #expect(roster.endOffset == 4)
            roster.see(20)
            #expect(roster.endOffset == 10)
        }
    }
}
