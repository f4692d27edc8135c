// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// What waits to be sent, in three classes: at once, channels to join, and the rest, both at the pace.
struct IRCOutbox {
    /// A server that asks for more answers than this, and takes none, gets none.
    private static let maxUrgent = 64

    private let maxLines: Int
    private var urgent: Deque<[UInt8]> = []
    private var joins: [String] = []
    private var paced: Deque<[UInt8]> = []

    init(maxLines: Int) { self.maxLines = max(1, maxLines) }

    /// What is to be sent next.
    enum Next {
        case now([UInt8])
        /// Lines that are sent at the pace; take one when it is time.
        case paced
        case nothing
    }

    var count: Int { paced.count }

    /// False when there are too many.
    mutating func addUrgent(_ line: [UInt8]) -> Bool {
        guard urgent.count < Self.maxUrgent else { return false }
        urgent.append(line)
        return true
    }

    mutating func addJoins(_ names: [String]) { joins += names }

    /// All of the lines, or false and none of them.
    mutating func add(_ lines: [[UInt8]]) -> Bool {
        guard lines.count <= maxLines - paced.count else { return false }
        paced.append(contentsOf: lines)
        return true
    }

    mutating func next() -> Next {
        if let line = urgent.popFirst() { return .now(line) }
        return joins.isEmpty && paced.isEmpty ? .nothing : .paced
    }

    /// The channels to join come first, as `joinLine` takes them off the front.
    mutating func takePaced(_ joinLine: (inout [String]) -> [UInt8]?) -> [UInt8]? {
        if !joins.isEmpty, let line = joinLine(&joins) { return line }
        return paced.popFirst()
    }

    /// Puts a line back that could not be sent.
    mutating func putBack(_ line: [UInt8]) { paced.prepend(line) }

    /// The connection is gone, and with it what made sense on it alone.
    mutating func disconnected() {
        urgent = []
        joins = []
    }

    /// Forgets all; how many lines that were.
    mutating func removeAll() -> Int {
        defer { paced = [] }
        disconnected()
        return paced.count
    }
}
