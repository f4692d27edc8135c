// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Belfry

@Suite(.timeLimit(.minutes(3)))
struct QueueBacklogTests {
    func entry(_ value: Int, key: Int) -> QueueEntry<Int> {
        QueueEntry(value: value, bytes: 1, key: QueueKey(key))
    }

    @Test("removals from the middle leave memory in proportion to what waits")
    func middle() {
        var backlog = QueueBacklog<Int>()
        backlog.append(entry(0, key: 0), at: 0)
        for number in 1...10_000 {
            backlog.append(entry(number, key: 1), at: UInt64(number))
            #expect(number == 1 || backlog.popOvertaken()?.value == number - 1)
            #expect(backlog.slotCount <= 4 * backlog.count + 32)
        }
        #expect(backlog.count == 2)
        #expect(backlog.bytes == 2)
        #expect(backlog.popOvertaken() == nil)
        #expect(backlog.popFirst()?.entry.value == 0)
        #expect(backlog.popFirst()?.entry.value == 10_000)
        #expect(backlog.popFirst() == nil)
    }

    @Test("a consumer that keeps up leaves no memory of overtaken elements")
    func keepingUp() {
        var backlog = QueueBacklog<Int>()
        for number in 0..<10_000 {
            backlog.append(entry(number, key: 0), at: UInt64(number))
            if number > 0 { #expect(backlog.popFirst()?.entry.value == number - 1) }
            #expect(backlog.slotCount <= 4 * backlog.count + 32)
        }
        #expect(backlog.count == 1)
    }
}
