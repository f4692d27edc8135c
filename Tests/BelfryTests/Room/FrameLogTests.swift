// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Testing

@testable import Belfry
@testable import BelfryTesting

/// Logs and rosters need a context but no network: an idle broker lends its own.
@Suite(.timeLimit(.minutes(3)))
struct FrameLogTests {
    /// A log with one roster on a loop that is not otherwise used.
    private func onLoop(_ body: @escaping @Sendable (FrameLog, Roster) -> Void) async throws {
        try await withLoopContext { context in
            let log = FrameLog(format: LineFormat(), firstOffset: 0, meter: MemoryMeter())
            let roster = Roster(room: "room", format: log.format, tail: log.tail, context: context)
            roster.log = log
            log.readers.append(roster)
            let subscription = Self.subscription(to: roster, context)
            roster.add(subscription, at: 0)
            body(log, roster)
            roster.remove(subscription)
            log.removeReader(context.index)
            context.connections = [:]
        }
    }

    private static func subscription(to roster: Roster, _ context: LoopContext) -> Subscription {
        let connection = Connection(
            id: SessionID(1),
            handle: .none,
            peer: nil,
            frontEnd: LineFrontEnd(),
            context: context
        )
        context.connections[connection.id] = connection
        return Subscription(connection: connection, roster: roster, limit: LagLimit())
    }

    private static func frame(_ number: Int, size: Int) -> [UInt8] {
        Array("\(number)".utf8) + [UInt8](repeating: 32, count: max(0, size - "\(number)".utf8.count))
    }

    private static func text(_ batch: SendBatch) -> [UInt8] {
        ([batch.first] + batch.rest).flatMap { segment in
            segment.chunk.withBytes(segment.start..<segment.end) { bytes in bytes.indices.map { bytes[$0] } }
        }
    }

    @Test("frames come back in order over many roll-overs, in sends of at most 256 KiB cut between frames")
    func batches() async throws {
        try await onLoop { log, roster in
            var written: [UInt8] = []
            for number in 0..<3_000 {
                let frame = Self.frame(number, size: 100 + number % 700)
                written += frame
                log.append(frame.span, key: 0)
            }
            #expect(roster.endOffset == 3_000)
            #expect(roster.bytes(from: 0) == written.count)
            var cursor: UInt64 = 0
            var read: [UInt8] = []
            var sends = 0
            while let (batch, to) = roster.batch(from: cursor), let batch {
                #expect(batch.byteCount <= 256 * 1024)
                #expect(to > cursor)
                read += Self.text(batch)
                cursor = to
                sends += 1
            }
            #expect(cursor == 3_000)
            #expect(read.elementsEqual(written))
            #expect(sends <= written.count / (255 * 1024) + 2)
        }
    }

    @Test("a frame bigger than a chunk gets its own and is sent whole")
    func bigFrame() async throws {
        try await onLoop { log, roster in
            let big = Self.frame(1, size: 1_000_000)
            log.append(Self.frame(0, size: 10).span, key: 0)
            log.append(big.span, key: 0)
            log.append(Self.frame(2, size: 10).span, key: 0)
            let first = roster.batch(from: 0)
            #expect(first?.to == 1)
            let second = roster.batch(from: 1)
            #expect(second?.to == 2)
            #expect(second?.batch.map(Self.text)?.elementsEqual(big) == true)
            #expect(roster.batch(from: 2)?.to == 3)
            #expect(roster.batch(from: 3) == nil)
        }
    }

    @Test("messages that the format can't say move the cursor without bytes, and hold no memory")
    func unsayable() async throws {
        try await onLoop { log, roster in
            for _ in 0..<100_000 { log.append([UInt8]().span, key: 0) }
            let found = roster.batch(from: 0)
            #expect(found?.to == 100_000)
            #expect(found?.batch == nil)
            roster.subscriptions[0].cursor = 100_000
            roster.trim()
            #expect(roster.firstOffset > 90_000)
        }
    }

    @Test("trimming keeps what the slowest cursor needs, and nothing before it")
    func trim() async throws {
        try await withLoopContext { context in
            let meter = MemoryMeter()
            let log = FrameLog(format: LineFormat(), firstOffset: 0, meter: meter)
            let roster = Roster(room: "room", format: log.format, tail: log.tail, context: context)
            roster.log = log
            log.readers.append(roster)
            // As a room and a connection do at their end: until then log and roster hold each other.
            defer {
                log.removeReader(context.index)
                context.connections = [:]
            }
            let subscription = Self.subscription(to: roster, context)
            roster.add(subscription, at: 0)
            for number in 0..<20_000 { log.append(Self.frame(number, size: 200).span, key: 0) }
            roster.trim()
            #expect(roster.firstOffset == 0)
            #expect(meter.bytes > 4_000_000)
            subscription.cursor = 10_000
            roster.trim()
            #expect(roster.firstOffset <= 10_000 && roster.firstOffset > 8_000)
            subscription.cursor = 20_000
            roster.endTurn()
            roster.trim()
            // The chunk in use, and one to spare.
            #expect(meter.bytes <= 3 * 300 * 1024)
            for number in 0..<20_000 {
                log.append(Self.frame(number, size: 200).span, key: 0)
                subscription.cursor = roster.endOffset
                roster.trim()
            }
            #expect(meter.bytes <= 3 * 300 * 1024)
            roster.remove(subscription)
        }
    }

    @Test("the offset from which a limit of bytes and messages holds is exact")
    func offsetWithin() async throws {
        try await onLoop { log, roster in
            for number in 0..<5_000 { log.append(Self.frame(number, size: 100).span, key: 0) }
            #expect(roster.offset(within: .max, messages: 50, from: 0) == 4_950)
            #expect(roster.offset(within: 1_000, messages: 50, from: 0) == 4_990)
            #expect(roster.offset(within: 1_099, messages: 50, from: 0) == 4_990)
            #expect(roster.offset(within: 99, messages: 50, from: 0) == 5_000)
            #expect(roster.offset(within: 300_000, messages: .max, from: 0) == 2_000)
            #expect(roster.offset(within: .max, messages: .max, from: 4_999) == 4_999)
        }
    }

    @Test("keys are kept from when they are asked for, also in chunks that are used again")
    func keys() async throws {
        try await onLoop { log, roster in
            for number in 0..<6_000 { log.append(Self.frame(number, size: 200).span, key: UInt64(number)) }
            #expect(roster.key(of: 10) == 0)
            log.keepKeys()
            roster.subscriptions[0].cursor = 6_000
            roster.trim()
            for number in 6_000..<20_000 {
                log.append(Self.frame(number, size: 200).span, key: UInt64(number))
                #expect(roster.key(of: UInt64(number)) == UInt64(number))
                roster.subscriptions[0].cursor = UInt64(number)
                roster.trim()
            }
        }
    }

    @Test("a chunk is read on other threads while it is written")
    func acrossThreads() async throws {
        let chunk = FrameChunk(capacity: 200_000, firstOffset: 7)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    var isRight = true
                    var seen = 0
                    while seen < 2_000 {
                        let count = chunk.frameCount
                        while seen < count {
                            let range = chunk.start(ofFrame: seen)..<chunk.start(ofFrame: seen + 1)
                            let expected = UInt8(truncatingIfNeeded: seen)
                            isRight = isRight && range.count == 1 + seen % 60
                            isRight =
                                isRight && chunk.withBytes(range) { $0[0] == expected && $0[$0.count - 1] == expected }
                            seen += 1
                        }
                        await Task.yield()
                    }
                    return isRight
                }
            }
            group.addTask {
                for number in 0..<2_000 {
                    let frame = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 1 + number % 60)
                    guard chunk.append(frame.span) else { return false }
                }
                return true
            }
            for await isRight in group { #expect(isRight) }
        }
        #expect(chunk.endOffset == 2_007)
    }
}
