// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// What waits to be sent, in three classes: at once, channels to join, and the rest, both at the pace.
///
/// The rest goes out in turns, a line for each channel or person, so that nobody who talks much keeps others waiting.
struct IRCOutbox {
    /// A server that asks for more answers than this, and takes none, gets none.
    private static let maxUrgent = 64

    private let maxLines: Int
    private let maxLinesPerTarget: Int
    private var urgent: Deque<[UInt8]> = []
    private var joins: [String] = []
    private var lanes: [String: Deque<[UInt8]>] = [:]
    /// Who has lines that wait, in the order of the turns.
    private var turns: Deque<String> = []
    /// A line that could not be sent.
    private var returned: [UInt8]?
    /// Lines of the third class.
    private(set) var count = 0

    init(maxLines: Int, maxLinesPerTarget: Int) {
        self.maxLines = max(1, maxLines)
        self.maxLinesPerTarget = max(1, maxLinesPerTarget)
    }

    /// What is to be sent next.
    enum Next {
        case now([UInt8])
        /// Lines that are sent at the pace; take one when it is time.
        case paced
        case nothing
    }

    /// False when there are too many.
    mutating func addUrgent(_ line: [UInt8]) -> Bool {
        guard urgent.count < Self.maxUrgent else { return false }
        urgent.append(line)
        return true
    }

    mutating func addJoins(_ names: [String]) { joins += names }

    /// All of the lines, or false and none of them.
    mutating func add(_ lines: [[UInt8]], to target: String) -> Bool {
        let lane = target.lowercased()
        let waiting = lanes[lane]?.count ?? 0
        guard lines.count <= maxLines - count, lines.count <= maxLinesPerTarget - waiting else { return false }
        guard !lines.isEmpty else { return true }
        if waiting == 0 { turns.append(lane) }
        lanes[lane, default: []].append(contentsOf: lines)
        count += lines.count
        return true
    }

    mutating func next() -> Next {
        if let line = urgent.popFirst() { return .now(line) }
        return joins.isEmpty && count == 0 ? .nothing : .paced
    }

    /// The channels to join come first, as `joinLine` takes them off the front.
    mutating func takePaced(_ joinLine: (inout [String]) -> [UInt8]?) -> [UInt8]? {
        if !joins.isEmpty, let line = joinLine(&joins) { return line }
        if let line = returned.take() {
            count -= 1
            return line
        }
        guard let lane = turns.popFirst(), let line = lanes[lane]?.popFirst() else { return nil }
        count -= 1
        if lanes[lane]?.isEmpty == false { turns.append(lane) } else { lanes[lane] = nil }
        return line
    }

    /// Puts a line back that could not be sent.
    mutating func putBack(_ line: [UInt8]) {
        count += returned == nil ? 1 : 0
        returned = line
    }

    /// The connection is gone, and with it what made sense on it alone.
    mutating func disconnected() {
        urgent = []
        joins = []
    }

    /// Forgets all; how many lines that were.
    mutating func removeAll() -> Int {
        disconnected()
        defer { self = IRCOutbox(maxLines: maxLines, maxLinesPerTarget: maxLinesPerTarget) }
        return count
    }
}
