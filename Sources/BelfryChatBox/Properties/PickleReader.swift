// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Reads pickles of plain values, of protocols 0 to 5.
///
/// It knows the opcodes that make texts, numbers, truth values, `None`, lists, tuples and dictionaries, and no others: it
/// never imports or calls anything. A pickle with anything else in it is refused as a whole, so is one that is too big,
/// too deep, or refers to itself.
struct PickleReader: ~Copyable {
    /// Bytes of a pickle.
    static let maxBytes = 1024 * 1024
    /// Values that a pickle may come to; references to one value count each time.
    static let maxValues = 100_000

    /// The value of a pickle; nil when it is refused.
    static func value(of bytes: [UInt8]) -> PropertyValue? {
        guard bytes.count <= maxBytes else { return nil }
        var reader = PickleReader(bytes: bytes)
        guard let root = try? reader.read() else { return nil }
        return reader.build(root)
    }

    private struct Refused: Error {}

    /// Values are made at the end only: a list may be filled after somebody refers to it.
    private enum Node {
        case value(PropertyValue)
        case list([Int])
        case tuple([Int])
        case dictionary([(key: Int, value: Int)])
    }

    private enum Entry {
        case mark
        case node(Int)
    }

    private let bytes: [UInt8]
    private var position = 0
    private var nodes: [Node] = []
    private var stack: [Entry] = []
    private var memo: [Int: Int] = [:]
    private var built = 0

    private init(bytes: [UInt8]) { self.bytes = bytes }

    // MARK: Opcodes

    private mutating func read() throws -> Int {
        while true {
            let opcode = try byte()
            if opcode == PickleOpcode.stop {
                guard stack.count == 1 else { throw Refused() }
                return try pop()
            }
            if try !readScalar(opcode), try !readContainer(opcode), try !readReference(opcode) { throw Refused() }
        }
    }

    private mutating func readScalar(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case PickleOpcode.none: try push(.value(.null))
        case PickleOpcode.newTrue: try push(.value(.bool(true)))
        case PickleOpcode.newFalse: try push(.value(.bool(false)))
        case PickleOpcode.binInt1: try push(.value(.int(Int(try unsigned(1)))))
        case PickleOpcode.binInt2: try push(.value(.int(Int(try unsigned(2)))))
        case PickleOpcode.binInt: try push(.value(.int(try signed(4))))
        case PickleOpcode.long1: try push(.value(.int(try signed(try count(1)))))
        case PickleOpcode.long4: try push(.value(.int(try signed(try count(4)))))
        case PickleOpcode.binFloat:
            let pattern = try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            try push(.value(.double(Double(bitPattern: pattern))))
        case PickleOpcode.shortBinUnicode: try push(.value(.text(try text(1))))
        case PickleOpcode.binUnicode: try push(.value(.text(try text(4))))
        case PickleOpcode.binUnicode8: try push(.value(.text(try text(8))))
        case PickleOpcode.int, PickleOpcode.long: try push(.value(try number(opcode)))
        case PickleOpcode.float:
            guard let number = Double(try lineText()) else { throw Refused() }
            try push(.value(.double(number)))
        case PickleOpcode.unicode:
            guard let text = PickleText.rawUnicodeEscape(try line()) else { throw Refused() }
            try push(.value(.text(text)))
        default: return false
        }
        return true
    }

    private mutating func readContainer(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case PickleOpcode.mark: stack.append(.mark)
        case PickleOpcode.emptyList: try push(.list([]))
        case PickleOpcode.emptyTuple: try push(.tuple([]))
        case PickleOpcode.emptyDictionary: try push(.dictionary([]))
        case PickleOpcode.list: try push(.list(try popToMark()))
        case PickleOpcode.tuple: try push(.tuple(try popToMark()))
        case PickleOpcode.dictionary: try push(.dictionary(try pairs(try popToMark())))
        case PickleOpcode.tuple1: try push(.tuple(try pop(1)))
        case PickleOpcode.tuple2: try push(.tuple(try pop(2)))
        case PickleOpcode.tuple3: try push(.tuple(try pop(3)))
        case PickleOpcode.append: try extendList(by: try pop(1))
        case PickleOpcode.appends: try extendList(by: try popToMark())
        case PickleOpcode.setItem: try extendDictionary(by: try pairs(try pop(2)))
        case PickleOpcode.setItems: try extendDictionary(by: try pairs(try popToMark()))
        default: return false
        }
        return true
    }

    private mutating func readReference(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case PickleOpcode.proto: guard try byte() <= 5 else { throw Refused() }
        case PickleOpcode.frame: _ = try take(8)
        case PickleOpcode.memoize: memo[memo.count] = try top()
        case PickleOpcode.binPut: memo[try count(1)] = try top()
        case PickleOpcode.longBinPut: memo[try count(4)] = try top()
        case PickleOpcode.put: memo[try index()] = try top()
        case PickleOpcode.binGet: try pushMemo(try count(1))
        case PickleOpcode.longBinGet: try pushMemo(try count(4))
        case PickleOpcode.get: try pushMemo(try index())
        default: return false
        }
        return true
    }

    // MARK: Stack

    private mutating func push(_ node: Node) throws {
        guard nodes.count < Self.maxValues else { throw Refused() }
        nodes.append(node)
        stack.append(.node(nodes.count - 1))
    }

    private mutating func pushMemo(_ index: Int) throws {
        guard let node = memo[index] else { throw Refused() }
        stack.append(.node(node))
    }

    private func top() throws -> Int {
        guard case .node(let index) = stack.last else { throw Refused() }
        return index
    }

    private mutating func pop() throws -> Int {
        guard case .node(let index) = stack.popLast() else { throw Refused() }
        return index
    }

    private mutating func pop(_ count: Int) throws -> [Int] {
        var found: [Int] = []
        for _ in 0..<count { found.append(try pop()) }
        return found.reversed()
    }

    private mutating func popToMark() throws -> [Int] {
        var found: [Int] = []
        while let entry = stack.popLast() {
            guard case .node(let index) = entry else { return found.reversed() }
            found.append(index)
        }
        throw Refused()
    }

    private func pairs(_ items: [Int]) throws -> [(key: Int, value: Int)] {
        guard items.count.isMultiple(of: 2) else { throw Refused() }
        return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    }

    private mutating func extendList(by items: [Int]) throws {
        let index = try top()
        guard case .list(var list) = nodes[index] else { throw Refused() }
        nodes[index] = .value(.null)
        list += items
        nodes[index] = .list(list)
    }

    private mutating func extendDictionary(by pairs: [(key: Int, value: Int)]) throws {
        let index = try top()
        guard case .dictionary(var entries) = nodes[index] else { throw Refused() }
        nodes[index] = .value(.null)
        entries += pairs
        nodes[index] = .dictionary(entries)
    }

    // MARK: Bytes

    private mutating func byte() throws -> UInt8 {
        guard position < bytes.count else { throw Refused() }
        position += 1
        return bytes[position - 1]
    }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - position else { throw Refused() }
        position += count
        return bytes[position - count..<position]
    }

    private mutating func unsigned(_ count: Int) throws -> UInt64 {
        try take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A length or an index of so many bytes.
    private mutating func count(_ bytes: Int) throws -> Int {
        guard let count = Int(exactly: try unsigned(bytes)) else { throw Refused() }
        return count
    }

    /// Two's complement, the lowest byte first; none is 0.
    private mutating func signed(_ count: Int) throws -> Int {
        guard (0...8).contains(count) else { throw Refused() }
        guard count > 0 else { return 0 }
        let shift = UInt64(64 - 8 * count)
        return Int(Int64(bitPattern: try unsigned(count) << shift) >> Int64(shift))
    }

    private mutating func text(_ lengthBytes: Int) throws -> String {
        let bytes = try take(try count(lengthBytes))
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Refused() }
        return text
    }

    private mutating func line() throws -> ArraySlice<UInt8> {
        guard let end = bytes[position...].firstIndex(of: 0x0A) else { throw Refused() }
        defer { position = end + 1 }
        return bytes[position..<end]
    }

    private mutating func lineText() throws -> String { String(decoding: try line(), as: UTF8.self) }

    private mutating func index() throws -> Int {
        guard let index = Int(try lineText()), index >= 0 else { throw Refused() }
        return index
    }

    /// A number in decimal digits; `00` and `01` were truth values, and a long one may end with an L.
    private mutating func number(_ opcode: UInt8) throws -> PropertyValue {
        var text = try lineText()
        if opcode == PickleOpcode.int, text == "00" || text == "01" { return .bool(text == "01") }
        if opcode == PickleOpcode.long, text.hasSuffix("L") { text.removeLast() }
        guard let number = Int(text) else { throw Refused() }
        return .int(number)
    }

    // MARK: Building

    private mutating func build(_ index: Int, depth: Int = 0) -> PropertyValue? {
        built += 1
        // A value within itself is deeper than any bound.
        guard built <= Self.maxValues, depth <= PickleWriter.maxDepth else { return nil }
        switch nodes[index] {
        case .value(let value): return value
        case .list(let items), .tuple(let items):
            var list: [PropertyValue] = []
            for item in items {
                guard let value = build(item, depth: depth + 1) else { return nil }
                list.append(value)
            }
            return .list(list)
        case .dictionary(let entries):
            var dictionary: [PropertyValue: PropertyValue] = [:]
            for entry in entries {
                guard let key = build(entry.key, depth: depth + 1), let value = build(entry.value, depth: depth + 1)
                else { return nil }
                dictionary[key] = value
            }
            return .dictionary(dictionary)
        }
    }
}
