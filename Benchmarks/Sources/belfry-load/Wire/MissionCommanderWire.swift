// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// MissionCommander: a header of 64 bytes, JSON filled up with NULs, and a JSON body.
///
/// All clients of a server are in one room, so there is one group, and the publisher gets its own messages back. The
/// server has to publish what clients send, as `belfry serve` does.
struct MissionCommanderWire: Wire {
    let name = "missioncommander"
    let publisherMustJoin = true
    let hasOneRoom = true
    /// A negotiation has no answer.
    let opensSilently = true
    /// Else every connection of a run would be a client that is away.
    let farewell = Self.frame("shutdown", "{}")

    private static let headerBytes = 64
    private static let beforePayload = #"{"m": ""#

    private struct Header: Decodable {
        let length: Int
        let subject: String
    }

    private static func frame(_ subject: String, _ body: String) -> [UInt8] {
        var bytes = Array(#"{"length": \#(body.utf8.count), "subject": "\#(subject)"}"#.utf8)
        bytes += Array(repeating: 0, count: max(0, headerBytes - bytes.count))
        return bytes + Array(body.utf8)
    }

    func opening(room: String?) -> [UInt8] {
        Self.frame("negotiation", #"{"id": "\#(String(UInt64.random(in: 0...UInt64.max), radix: 36))"}"#)
    }

    /// A message that comes back tells that the client is in.
    func introduction(_ number: Int) -> (bytes: [UInt8], answer: [UInt8]?) {
        let probe = Self.frame("in", #"{"n": \#(number)}"#)
        return (opening(room: nil) + probe, probe)
    }

    func publication(room: String, payload: [UInt8]) -> [UInt8] {
        Self.frame("load", Self.beforePayload + String(decoding: payload, as: UTF8.self) + #""}"#)
    }

    func parse(_ bytes: ArraySlice<UInt8>) throws -> (item: WireItem, length: Int)? {
        guard bytes.count >= Self.headerBytes else { return nil }
        let head = bytes.prefix(Self.headerBytes).filter { $0 != 0 }
        let header = try JSONDecoder().decode(Header.self, from: Data(head))
        guard (0...1_048_576).contains(header.length) else { throw LoadError("a length of \(header.length)") }
        let length = Self.headerBytes + header.length
        guard bytes.count >= length else { return nil }
        switch header.subject {
        case "load":
            let start = Self.headerBytes + Self.beforePayload.utf8.count
            guard start < length - 2 else { throw LoadError("a MissionCommander message without payload") }
            return (.delivery(payload: start..<(length - 2)), length)
        case "in":
            return (.ready, length)
        default:
            throw LoadError("unexpected MissionCommander subject \(header.subject)")
        }
    }
}
