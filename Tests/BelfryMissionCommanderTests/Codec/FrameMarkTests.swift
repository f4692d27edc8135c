// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import Testing

@testable import Belfry
@testable import BelfryMissionCommander

@Suite("MissionCommander frames, marks", .timeLimit(.minutes(3)))
struct FrameMarkTests {
    private func written(_ event: String, _ payload: Payload = .json("{}"), at offset: UInt64) -> [UInt8] {
        var frame: [UInt8] = []
        MissionCommanderPositionedFormat().encode(room: "r", event: event, payload: payload, at: offset, into: &frame)
        return frame
    }

    @Test("a message of the room has its offset in the header, in the compact spelling")
    func at() {
        let frame = written("echo", .json(#"{"n": 1}"#), at: 17)
        #expect(frame == header(#"{"length":8,"subject":"echo","at":17}"#) + Array(#"{"n": 1}"#.utf8))
        #expect(decodeFrames(frame).seen == [.marked(.room(at: 17), subject: "echo", value: #"{"n": 1}"#)])
        let last = written("echo", at: .max)
        #expect(decodeFrames(last).seen == [.marked(.room(at: .max), subject: "echo", value: "{}")])
    }

    @Test("where the offset does not fit, a frame of the server's own says it right before")
    func announced() {
        // 64 bytes hold a subject of 32 beside a length of one digit and an offset of one digit.
        let fits = String(repeating: "s", count: 32)
        #expect(decodeFrames(written(fits, at: 7)).seen == [.marked(.room(at: 7), subject: fits, value: "{}")])
        for subject in [fits + "s", fits + "ssss", String(repeating: "s", count: 39), "é" + fits] {
            let plain: [UInt8] = {
                var frame: [UInt8] = []
                MissionCommanderFormat().encode(room: "r", event: subject, payload: .json("{}"), into: &frame)
                return frame
            }()
            let own = header(#"{"length":2,"subject":"at","own":true,"at":7}"#) + Array("{}".utf8)
            #expect(written(subject, at: 7) == own + plain)
        }
        let twenty = written(fits, at: .max)
        #expect(
            decodeFrames(twenty).seen
                == [.marked(.own(at: .max), subject: "at", value: "{}"), .frame(subject: fits, value: "{}")]
        )
    }

    @Test("what a header can't carry, and shutdown, is wrapped with its offset")
    func wrapped() {
        let subject = String(repeating: "s", count: 50)
        let value = #"{"event": "\#(subject)", "content": {}}"#
        #expect(decodeFrames(written(subject, at: 3)).seen == [.marked(.room(at: 3), subject: "message", value: value)])
        let goodbye = #"{"event": "shutdown", "content": {}}"#
        #expect(
            decodeFrames(written("shutdown", at: 3)).seen
                == [.marked(.room(at: 3), subject: "message", value: goodbye)]
        )
    }

    @Test("a stream of marked frames cut at any byte gives the same, held or not")
    func everyCut() {
        let long = String(repeating: "x", count: 39)
        var stream = MissionCommanderPositionedFormat.resumption(
            ReplayStart(epoch: 0xFF, offset: 12, isRecovered: false, missing: 2..<12)
        )
        stream += written("a", at: 12) + GoldenFrame.unicode.bytes + written(long, at: 13) + written("é", at: 14)
        let whole = decodeFrames(stream).seen
        let begins = #"{"next": "ff.12", "recovered": false, "lost": 10}"#
        let expected: [SeenFrame] = [
            .marked(.own(at: nil), subject: "resume", value: begins),
            .marked(.own(at: 2), subject: "gap", value: #"{"from": 2, "to": 12, "lost": 10}"#),
            .marked(.room(at: 12), subject: "a", value: "{}"),
            .frame(subject: "uni", value: GoldenFrame.unicode.body),
            .marked(.own(at: 13), subject: "at", value: "{}"),
            .frame(subject: long, value: "{}"),
            .marked(.room(at: 14), subject: "é", value: "{}"),
        ]
        #expect(whole == expected)
        for cut in 0...stream.count {
            #expect(decodeFrames(stream, cuts: [cut]).seen == whole)
        }
        #expect(decodeFrames(stream, cuts: Array(0..<stream.count), holdEvery: 1).seen == whole)
    }

    @Test(
        "a member of the name that is no mark is let through like any other",
        arguments: [
            #""at":"7""#, #""at":-7"#, #""at":7.0"#, #""at":7e1"#, #""at":null"#, #""at":[7]"#,
            #""at":18446744073709551616"#, #""own":false"#, #""own":1"#, #""own":"true""#, #""own":null"#,
        ]
    )
    func otherMembers(_ member: String) {
        let head = header(#"{"length":2,"subject":"s",\#(member)}"#)
        #expect(head.count == 64)
        #expect(decodeFrames(head + Array("{}".utf8)).seen == [.frame(subject: "s", value: "{}")])
    }

    @Test("a gap in the stream is the server's own word, and reads as the same message")
    func gap() {
        var frame: [UInt8] = []
        MissionCommanderPositionedFormat().encodeGap(room: "r", from: 4, to: 9, into: &frame)
        #expect(
            decodeFrames(frame).seen
                == [.marked(.own(at: 4), subject: "gap", value: #"{"from": 4, "to": 9, "lost": 5}"#)]
        )
    }
}
