// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A timer's name, for cancelling it.
package struct TimerID: Hashable, Sendable {
    let number: UInt64
}

/// The loop's timers: a binary heap ordered by deadline, then by age.
///
/// Loop-confined.
///
/// Cancelling is lazy, and the heap is rebuilt when more than half of it is cancelled, so that timers that are always
/// cancelled (time-outs that do not strike) hold no memory beyond twice the live ones.
struct TimerHeap {
    private struct Entry {
        let deadline: Nanoseconds
        let number: UInt64

        func precedes(_ other: Entry) -> Bool {
            deadline != other.deadline ? deadline < other.deadline : number < other.number
        }
    }

    private struct Action {
        let run: () -> Void
        let stopped: (() -> Void)?
    }

    private var heap: [Entry] = []
    private var actions: [UInt64: Action] = [:]
    private var lastNumber: UInt64 = 0

    /// Live timers.
    var count: Int { actions.count }

    /// The name of the timer that was added last.
    var newest: TimerID { TimerID(number: lastNumber) }

    /// The earliest live deadline.
    mutating func nextDeadline() -> Nanoseconds? {
        while let first = heap.first, actions[first.number] == nil { removeFirst() }
        return heap.first?.deadline
    }

    /// Adds a timer; `stopped` is for `removeAll` to hand out.
    mutating func add(
        at deadline: Nanoseconds,
        stopped: (() -> Void)? = nil,
        _ action: @escaping () -> Void
    ) -> TimerID {
        lastNumber += 1
        actions[lastNumber] = Action(run: action, stopped: stopped)
        heap.append(Entry(deadline: deadline, number: lastNumber))
        siftUp(heap.count - 1)
        return TimerID(number: lastNumber)
    }

    mutating func cancel(_ timer: TimerID) {
        guard actions.removeValue(forKey: timer.number) != nil else { return }
        guard heap.count > 64, actions.count * 2 < heap.count else { return }
        heap.removeAll { actions[$0.number] == nil }
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }

    /// Takes out the earliest timer that is due, unless it was added after `newest`.
    mutating func popDue(_ now: Nanoseconds, notAfter newest: TimerID) -> (() -> Void)? {
        while let first = heap.first, first.deadline <= now, first.number <= newest.number {
            removeFirst()
            if let action = actions.removeValue(forKey: first.number) { return action.run }
        }
        return nil
    }

    /// Forgets all timers; answers with what is to be called in their place, the oldest first.
    mutating func removeAll() -> [() -> Void] {
        defer {
            heap = []
            actions = [:]
        }
        return actions.sorted { $0.key < $1.key }.compactMap { $0.value.stopped }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        if heap.count > 1 { siftDown(0) }
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].precedes(heap[least])
            {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
