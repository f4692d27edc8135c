// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryMissionCommander
import Testing

@Suite("MissionCommander frames, writing", .timeLimit(.minutes(3)))
struct FrameEncoderTests {
    @Test("captured frames are written byte for byte", arguments: GoldenFrame.all)
    func golden(_ frame: GoldenFrame) throws {
        let written = try FrameEncoder.frame(subject: frame.subject, payload: .json(frame.payload))
        #expect(written == frame.bytes)
    }

    @Test(
        "a subject has the original's room in the original's spelling",
        arguments: [(2, 36), (9, 36), (10, 35), (99, 35), (999, 34), (9_999, 33), (100_000, 31)]
    )
    func room(_ bodyBytes: Int, _ subjectBytes: Int) throws {
        let body = Payload.json("\"" + String(repeating: "x", count: bodyBytes - 2) + "\"")
        let fits = try FrameEncoder.frame(subject: String(repeating: "s", count: subjectBytes), payload: body)
        #expect(fits.count == 64 + bodyBytes)
        #expect(fits.starts(with: Array(#"{"length": \#(bodyBytes), "subject": "s"#.utf8)))
        #expect(fits[63] == UInt8(ascii: "}"))
        let compact = try FrameEncoder.frame(subject: String(repeating: "s", count: subjectBytes + 1), payload: body)
        #expect(compact.starts(with: Array(#"{"length":\#(bodyBytes),"subject":"s"#.utf8)))
        #expect(
            decodeFrames(compact).seen == [
                .frame(subject: String(repeating: "s", count: subjectBytes + 1), value: body.text)
            ]
        )
    }

    @Test("a subject that is too long when escaped goes in UTF-8")
    func compact() throws {
        let subject = "Grüße aus Zürich 世界"
        let written = try FrameEncoder.frame(subject: subject, payload: .json("{}"))
        #expect(written == header(#"{"length":2,"subject":"\#(subject)"}"#) + Array("{}".utf8))
        let quoted = "\"\\\n\u{1}é" + String(repeating: "x", count: 25)
        let bytes = try FrameEncoder.frame(subject: quoted, payload: .json("{}"))
        #expect(decodeFrames(bytes).seen == [.frame(subject: quoted, value: "{}")])
    }

    @Test("a subject that fits neither way is refused before anything is written")
    func tooLong() throws {
        var output: [UInt8] = [1, 2, 3]
        let body = Array("{}".utf8)
        let longest = String(repeating: "s", count: 39)
        try FrameEncoder.append(subject: longest, body: body.span, to: &output)
        #expect(output.count == 3 + 64 + 2)
        let before = output
        let error = #expect(throws: MissionCommanderError.self) {
            try FrameEncoder.append(subject: longest + "s", body: body.span, to: &output)
        }
        #expect(error?.code == .invalidSubject)
        #expect(output == before)
    }

    @Test("a text goes as a JSON string, bytes as base64")
    func otherKinds() throws {
        let text = try FrameEncoder.frame(subject: "s", payload: .text("hé\n"))
        #expect(decodeFrames(text).seen == [.frame(subject: "s", value: #""h\u00e9\n""#)])
        let bytes = try FrameEncoder.frame(subject: "s", payload: .binary([0, 1, 254, 255]))
        #expect(decodeFrames(bytes).seen == [.frame(subject: "s", value: #""AAH+/w==""#)])
    }
}
