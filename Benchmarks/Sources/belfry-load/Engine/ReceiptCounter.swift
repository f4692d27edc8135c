// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc

/// Counts the receipts of a Pocketsocket publisher.
///
/// A receipt tells the time, whose fraction may be missing, so frames are walked from header to header; each must say
/// the same behind the time as the first one does.
struct ReceiptCounter {
    /// Receipts so far, the first, which the set-up read, included.
    private(set) var frames = 1
    /// What a receipt says behind its time.
    private let tail: [UInt8]
    /// The beginning of a frame that the last read cut.
    private var rest: [UInt8] = []

    private static let head = Array(#"{"time": ""#.utf8)
    private static let presence = [#"{"socket": "connected""#, #"{"socket": "disconnected""#].map { Array($0.utf8) }
    private static let key = Array(#"", "messageId": "#.utf8)

    /// Whether a text is a receipt.
    static func isReceipt(_ text: ArraySlice<UInt8>) -> Bool {
        text.starts(with: head) && text.end(of: Array(#""socket": "sent""#.utf8)) != nil
    }

    /// Whether a text tells of another client's coming or going.
    static func isPresence(_ text: ArraySlice<UInt8>) -> Bool { presence.contains { text.starts(with: $0) } }

    /// Starts behind the first receipt.
    init(first: [UInt8]) {
        let start = first[...].end(of: Self.key).map { $0 - Self.key.count } ?? first.startIndex
        tail = Array(first[start...])
    }

    /// Whether the last byte seen ended a frame.
    var isAtBoundary: Bool { rest.isEmpty }

    /// Counts the receipts in what was read.
    mutating func walk(_ buffer: UnsafeRawBufferPointer) throws {
        var index = 0
        while !rest.isEmpty, index < buffer.count {
            rest.append(buffer[index])
            index += 1
            let isWhole = try rest.withUnsafeBytes { bytes in
                guard let frame = WebSocketFrame(bytes), bytes.count >= frame.length else { return false }
                try check(frame, bytes)
                return true
            }
            if isWhole {
                frames += 1
                rest.removeAll(keepingCapacity: true)
            }
        }
        while index < buffer.count {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[index...])
            guard let frame = WebSocketFrame(bytes), bytes.count >= frame.length else {
                rest.append(contentsOf: bytes)
                return
            }
            try check(frame, bytes)
            frames += 1
            index += frame.length
        }
    }

    private func check(_ frame: WebSocketFrame, _ bytes: UnsafeRawBufferPointer) throws {
        let end = frame.length - tail.count
        let isReceipt =
            frame.opcode == 1 && end >= frame.headerBytes + Self.head.count
            && equal(bytes, frame.headerBytes, Self.head) && equal(bytes, end, tail)
        guard !isReceipt else { return }
        throw LoadError("no receipt: \(String(decoding: bytes.prefix(frame.length), as: UTF8.self))")
    }

    private func equal(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ text: [UInt8]) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        return text.withUnsafeBytes { $0.baseAddress.map { memcmp(base + start, $0, text.count) == 0 } ?? false }
    }
}
