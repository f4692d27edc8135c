// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Testing

@testable import Belfry
@testable import BelfryMissionCommander

@Suite("A client's position", .timeLimit(.minutes(3)))
struct ClientPositionTests {
    private let word = Array(#"{"next": "ff.12", "recovered": true, "lost": 0}"#.utf8)

    /// A client that has been told where it begins.
    private func told() -> ClientPosition {
        var position = ClientPosition()
        _ = position.linkStands(asking: true)
        _ = position.takes(.own(at: nil), "resume", word.span)
        return position
    }

    @Test("it is asked for first, then named")
    func asks() {
        var position = ClientPosition()
        let first = position.linkStands(asking: true)
        #expect(first == "")
        let begins = position.takes(.own(at: nil), "resume", word.span)
        #expect(!begins)
        let message = position.takes(.room(at: 12), "n", word.span)
        #expect(message)
        let second = position.linkStands(asking: true)
        #expect(second == "ff.13")
        let third = position.linkStands(asking: false)
        #expect(third == nil)
    }

    @Test("an offset that was handed on is not handed on again; one that is left out is passed over")
    func offsets() {
        var position = told()
        for (offset, isNew) in [(12, true), (12, false), (3, false), (13, true), (20, true), (19, false), (21, true)] {
            let takes = position.takes(.room(at: UInt64(offset)), "n", word.span)
            #expect(takes == isNew)
        }
        let token = position.linkStands(asking: true)
        #expect(token == "ff.22")
    }

    @Test("an offset that is announced belongs to the next frame alone")
    func announced() {
        var position = told()
        let announcement = position.takes(.own(at: 12), "at", word.span)
        #expect(!announcement)
        let message = position.takes(nil, "long", word.span)
        #expect(message)
        let direct = position.takes(nil, "direct", word.span)
        #expect(direct)
        #expect(position.next == RoomPosition(epoch: 255, offset: 13))
        _ = position.takes(.own(at: 13), "at", word.span)
        position.skipped()
        _ = position.takes(nil, "direct", word.span)
        #expect(position.next == RoomPosition(epoch: 255, offset: 13))
        _ = position.takes(.own(at: 12), "at", word.span)
        let again = position.takes(nil, "long", word.span)
        #expect(!again)
    }

    @Test("a server that has not said where the client begins may have members of these names that mean something else")
    func notOffered() {
        var position = told()
        _ = position.linkStands(asking: true)
        for mark in [FrameHeader.Mark.room(at: 3), .own(at: 4), .own(at: nil), .room(at: 99)] {
            for subject in ["at", "gap", "x"] {
                let takes = position.takes(mark, subject, word.span)
                #expect(takes)
            }
        }
        let unreadable = position.takes(.own(at: nil), "resume", Array(#"{"next": 5}"#.utf8).span)
        #expect(unreadable)
        #expect(position.next == RoomPosition(epoch: 255, offset: 12))
    }

    @Test("the highest offset there is moves nothing")
    func highest() {
        var position = told()
        let takes = position.takes(.room(at: .max), "n", word.span)
        #expect(takes)
        #expect(position.next == RoomPosition(epoch: 255, offset: 12))
    }

    @Test(
        "the negotiation says it, and is the original's where the client does not resume",
        arguments: BackendKind.testable
    )
    func wire(_ backend: BackendKind) async throws {
        try await withRawServer(backend) { bench, server, watched in
            #expect(try await watched.client.connect())
            try await bench.until("it asks") { server.frames == [#"negotiation {"id": "me", "resume": ""}"#] }
            var frames = MissionCommanderPositionedFormat.resumption(
                ReplayStart(epoch: 255, offset: 7, isRecovered: true, missing: nil)
            )
            let format = MissionCommanderPositionedFormat()
            format.encode(room: "", event: "n", payload: .json("{}"), at: 7, into: &frames)
            // Twice, as no server does.
            format.encode(room: "", event: "n", payload: .json("{}"), at: 7, into: &frames)
            format.encodeGap(room: "", from: 8, to: 10, into: &frames)
            server.send(frames)
            let events = try await watched.events(3)
            #expect(events.map(\.verb) == [.connect, .message, .message])
            guard case .message(let gap)? = events.last else { return }
            #expect(gap.subject == "gap")
            server.breakLinks()
            try await bench.until("it says where it is") {
                server.side.accepted.count == 2 && server.frames == [#"negotiation {"id": "me", "resume": "ff.8"}"#]
            }
            await watched.client.setAttemptReconnect(false)
        }
        try await withRawServer(backend, configure: { $0.resumes = false }) { bench, server, watched in
            #expect(try await watched.client.connect())
            try await bench.until("it says who it is") { server.frames == [#"negotiation {"id": "me"}"#] }
        }
        try await withRawServer(backend, attemptReconnect: false) { bench, server, watched in
            #expect(try await watched.client.connect())
            try await bench.until("it says who it is") { server.frames == [#"negotiation {"id": "me"}"#] }
        }
    }
}
