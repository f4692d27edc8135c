// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryTLS
import Testing

@Suite("TLS without a socket", .timeLimit(.minutes(3)))
struct TLSEngineTests {
    private var certificates: Certificates { get throws { try Certificates.shared.get() } }

    private static func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) } }

    @Test("both sides open, talk and end in order, however the bytes are split", arguments: [1, 2, 5, 1_000, Int.max])
    func conversation(pieceBytes: Int) throws {
        let pair = try Pair(try certificates, pieceBytes: pieceBytes)
        try pair.talk()
        #expect(pair.isOpen == (true, true))
        try pair.client.write("hello".utf8.span)
        try pair.server.write("welcome".utf8.span)
        try pair.talk()
        #expect(pair.atServer == Array("hello".utf8) && pair.atClient == Array("welcome".utf8))
        pair.client.end()
        try pair.talk()
        pair.server.end()
        try pair.talk()
        #expect(Set(pair.events) == ["client opened", "server opened", "server ended", "client ended"])
    }

    @Test("a large text goes through in records, and an idle side keeps nothing to send")
    func large() throws {
        let pair = try Pair(try certificates)
        try pair.talk()
        let bytes = Self.pattern(3_000_000)
        try pair.client.write(bytes.span)
        let carried = try pair.talk()
        #expect(carried > bytes.count && carried < bytes.count + bytes.count / 50)
        let isSame = pair.atServer == bytes
        #expect(isSame)
        #expect(try pair.talk() == 0)
    }

    @Test(
        "a certificate opens for the hosts that it names",
        arguments: ["belfry.test", "BELFRY.test", "belfry.test.", "a.rooms.test", "127.0.0.1", "::1"]
    )
    func hosts(_ host: String) throws {
        let pair = try Pair(try certificates, host: host)
        try pair.talk()
        #expect(pair.isOpen.client)
    }

    @Test(
        "a certificate is no good for another host",
        arguments: ["other.test", "a.b.rooms.test", "rooms.test", "127.0.0.2", "::2", "localhost", "server"]
    )
    func wrongHost(_ host: String) throws {
        try expect(.wrongHost, server: "server", host: host)
    }

    @Test("an expired certificate is no good") func expired() throws { try expect(.expired, server: "expired") }
    @Test("a certificate that vouches for itself is no good") func selfSigned() throws {
        try expect(.selfSigned, server: "alone")
    }
    @Test("an authority that the system does not know is no good") func unknownAuthority() throws {
        try expect(.unknownAuthority, server: "server", trusting: nil)
    }

    /// The client fails, says why, and tells the server by an alert.
    private func expect(
        _ code: TLSError.Code,
        server: String,
        trusting authority: String? = "authority",
        host: String = "belfry.test"
    ) throws {
        let pair = try Pair(try certificates, server: server, trusting: authority, host: host)
        do throws(TLSError) {
            try pair.talk()
            Issue.record("it opened")
        } catch {
            #expect(error.code == code, "\(error)")
            #expect(error.isUntrusted && error.message.contains(host))
        }
        #expect(!pair.isOpen.client)
        var alert: [UInt8] = []
        pair.client.drain { alert.append($0) }
        pair.server.feed(alert.span)
        var nothing: [UInt8] = []
        do throws(TLSError) {
            _ = try pair.server.next(into: &nothing)
            Issue.record("the server heard nothing")
        } catch {
            #expect(error.code == .refused, "\(error)")
        }
        #expect(throws: TLSError.self) { try pair.client.next(into: &nothing) }
    }

    @Test(
        "a peer that does not talk TLS is told apart",
        arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail.test ESMTP\r\n", "hello?"]
    )
    func plain(_ text: String) throws {
        var client = try TLSEngine(TLSContext(authorities: try certificates.certificate("authority")), host: "a.test")
        try client.start()
        client.feed(text.utf8.span)
        var plaintext: [UInt8] = []
        do throws(TLSError) {
            _ = try client.next(into: &plaintext)
            Issue.record("it took it")
        } catch {
            #expect(error.code == .notTLS, "\(error)")
        }
        #expect(plaintext.isEmpty)
    }

    @Test("bytes that were changed on their way end the connection", arguments: [5, 20, 60])
    func changed(at index: Int) throws {
        let pair = try Pair(try certificates)
        try pair.talk()
        try pair.server.write(Self.pattern(100).span)
        var bytes: [UInt8] = []
        pair.server.drain { bytes.append($0) }
        bytes[index] ^= 1
        pair.client.feed(bytes.span)
        var plaintext: [UInt8] = []
        #expect(throws: TLSError.self) { try pair.client.next(into: &plaintext) }
        #expect(plaintext.isEmpty)
    }

    @Test("noise instead of an answer never opens, whatever it is")
    func noise() throws {
        var seed: UInt64 = 7
        let context = try TLSContext(authorities: try certificates.certificate("authority"))
        for _ in 0..<300 {
            var client = try TLSEngine(context, host: "a.test")
            try client.start()
            // What looks like a record gets further in.
            var bytes: [UInt8] = [0x16, 3, 3, 0, 60, 2, 0, 0, 56, 3, 3]
            for _ in 0..<80 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(UInt8(truncatingIfNeeded: seed >> 33))
            }
            if seed & 1 == 0 { bytes.removeFirst(11) }
            client.feed(bytes.span)
            var plaintext: [UInt8] = []
            _ = try? client.next(into: &plaintext)
            let isOpen = client.isOpen
            #expect(!isOpen && plaintext.isEmpty)
        }
    }

    @Test("what can't be set up says so")
    func configuration() throws {
        let missing = "/nowhere/authorities.pem"
        #expect { try TLSContext(authorities: missing) } throws: {
            ($0 as? TLSError)?.message.contains(missing) == true
        }
        #expect(throws: TLSError.self) { try TLSContext(certificate: missing, key: missing) }
        let context = try TLSContext(authorities: try certificates.certificate("authority"))
        for host in ["", "a\u{0}b"] {
            #expect(throws: TLSError.self) { _ = try TLSEngine(context, host: host) }
        }
    }
}
