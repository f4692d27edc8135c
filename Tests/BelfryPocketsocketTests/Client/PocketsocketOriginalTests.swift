// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryPocketsocket
import BelfryTesting
import Testing

@Suite("PocketsocketClient and an original server", .timeLimit(.minutes(3)))
struct PocketsocketOriginalTests {
    private func withOriginal(
        _ backend: BackendKind,
        _ body: (OriginalServer, PocketsocketClient) async throws -> Void
    ) async throws {
        let group = try EventLoopGroup(backend.choice, count: 1, logger: .silent)
        let server = OriginalServer(on: group.loops[0])
        var configuration = PocketsocketClient.Configuration()
        configuration.reconnect?.firstPause = .milliseconds(1)
        let client = try PocketsocketClient(
            ["127.0.0.1:\(try await server.start())"],
            configuration: configuration,
            io: backend.choice,
            logger: .silent
        )
        try await body(server, client)
        await client.close()
        await group.shutDown()
    }

    @Test("one masked text frame per message, receipts, and a close without a code", arguments: BackendKind.testable)
    func talk(_ backend: BackendKind) async throws {
        try await withOriginal(backend) { server, client in
            let core = client.channel("socket").events
            try await client.connect()
            let receipt = try await client.signalAndWait("chan", "evt", .json(#"{"a":1}"#))
            let long = String(repeating: "x", count: 9_000)
            try await client.signalAndWait("chan", "evt", .text(long))
            let frames = await server.frames
            #expect(frames.map(\.first) == [0x81, 0x81])
            #expect(frames.map(\.isMasked) == [true, true])
            #expect(
                frames[0].text
                    == #"{"id":"\#(receipt[0].messageID)","message":"chan.evt","data":{"a":1}}"#
            )
            #expect(frames[1].text.count > 9_000)
            await client.close()
            #expect(await server.frames.map(\.first) == [0x81, 0x81, 0x88])
            let story = try await take(9, from: core) { $0.name }
            #expect(story == ["connecting", "open", "sent", "sent", "close"])
        }
    }

    @Test("bytes before the answer to the handshake are given up on, and tried again", arguments: BackendKind.testable)
    func tooEarly(_ backend: BackendKind) async throws {
        try await withOriginal(backend) { server, client in
            await server.greetTooEarly([0x81, 0x0A] + Array(#"{"id":"z"}"#.utf8))
            let core = client.channel("socket").events
            try await client.connect()
            #expect(await server.connections == 2)
            let story = try await take(6, from: core) { $0.name }
            #expect(story == ["connecting", "error", "close", "reconnect", "connecting", "open"])
        }
    }

    @Test("what breaks the WebSocket protocol breaks the connection alone", arguments: BackendKind.testable)
    func broken(_ backend: BackendKind) async throws {
        try await withOriginal(backend) { server, client in
            let core = client.channel("socket").events
            try await client.connect()
            let bad: [[UInt8]] = [[0x81, 1, 0xFF], [0xF1, 0], [0x81, 127, 0xFF, 0, 0, 0, 0, 0, 0, 0], [0x83, 0]]
            for bytes in bad {
                await server.send(bytes)
                let error = try await skip(to: "error", in: core).error
                #expect(error?.code == .connectionLost)
                try await skip(to: "open", in: core)
            }
            #expect(await server.connections == 5)
        }
    }
}
