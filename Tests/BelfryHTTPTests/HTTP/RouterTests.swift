// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import BelfryTesting
import Foundation
import HTTPTypes
import Testing

@Suite("HTTP routes and resources", .timeLimit(.minutes(3)))
struct RouterTests {
    private static func routes(_ router: inout Router) {
        for pattern in [
            "/", "/a", "/a/", "/a/b", "/a/:x", "/a/:x/c", "/a/b/:y", "/r/*", "/r/x", "/u/:name", "/x.:type.wb",
        ] {
            router.onLoop(.get, pattern) { request in
                let names = ["x", "y", "name", "type", "*"].compactMap { name in
                    request.parameter(name).map { "\(name)=\($0)" }
                }
                return .text(([pattern] + names).joined(separator: " ") + "\n")
            }
        }
    }

    @Test("paths find their route: literal before parameter before the rest")
    func paths() async throws {
        let expected: [(path: String, answer: String?)] = [
            ("/", "/"), ("/?q=/a", "/"), ("/a", "/a"), ("/a/", "/a/"), ("/a/b", "/a/b"), ("/a/z", "/a/:x x=z"),
            ("/a/z/c", "/a/:x/c x=z"), ("/a/b/c", "/a/b/:y y=c"), ("/a/b/d", "/a/b/:y y=d"), ("/%61/%62", "/a/b"),
            ("/a/b%2Fc", "/a/:x x=b/c"), ("/x.get.wb", "/x.:type.wb type=get"), ("/x...wb", "/x.:type.wb type=."),
            ("/x.%C3%A9.wb", "/x.:type.wb type=é"), ("/x..wb", nil), ("/x.wb", nil), ("/x.a.wb/", nil),
            ("/r/", "/r/* *="), ("/r/x", "/r/x"), ("/r/x/y/", "/r/* *=x/y/"),
            ("/u/J%C3%BCrgen", "/u/:name name=Jürgen"),
            ("/r/.hidden", "/r/* *=.hidden"), ("/r/...", "/r/* *=..."), ("http://a/a", "/a"), ("http://a", "/"),
            ("/b", nil), ("/a//", nil), ("//a", nil), ("/A", nil), ("/u/", nil), ("/r", nil),
        ]
        try await withHTTPServer(routes: Self.routes) { server in
            let client = try await server.connect()
            for (path, wanted) in expected {
                try await client.send(HTTPServerTests.get(path))
                let answer = await client.answer()
                #expect(answer?.status == (wanted == nil ? 404 : 200), "\(path)")
                #expect(answer?.body == (wanted ?? "Not Found") + "\n", "\(path)")
            }
            try await client.send(HTTPServerTests.get("/u/%FF"))
            #expect(await client.remaining().map(\.status) == [400])
        }
    }

    @Test("a resource is served with its type and tag, and not again to who has it")
    func resources() async throws {
        var resources = StaticResources()
        resources.add("index.html", Array("<p>hi</p>\n".utf8))
        resources.add("js/app.js", Array("1\n".utf8))
        try await withHTTPServer {
            $0.resources(resources)
        } _: { server in
            let client = try await server.connect()
            try await client.send(HTTPServerTests.get("/") + HTTPServerTests.get("/index.html"))
            let page = try #require(await client.answer())
            #expect(page.body == "<p>hi</p>\n" && page.fields["content-type"] == "text/html; charset=utf-8")
            #expect(await client.answer() == page)
            let tag = try #require(page.fields["etag"])
            for known in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                try await client.send(HTTPServerTests.get("/", "If-None-Match: \(known)\r\n"))
                let answer = await client.answer()
                #expect(answer?.status == 304 && answer?.fields["etag"] == tag, "\(known)")
            }
            try await client.send(HTTPServerTests.get("/js/app.js", "If-None-Match: \(tag)\r\n"))
            #expect(await client.answer()?.fields["content-type"] == "text/javascript; charset=utf-8")
            try await client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await client.answer(toHead: true)?.fields["content-length"] == "10")
            #expect(await client.answer()?.status == 405)
        }
    }

    @Test("of a directory, plain files are served, and nothing else can be reached")
    func directory() async throws {
        let manager = FileManager.default
        let root = manager.temporaryDirectory.appendingPathComponent("belfry-\(UUID().uuidString)")
        defer { try? manager.removeItem(at: root) }
        let pages = root.appendingPathComponent("pages")
        try manager.createDirectory(at: pages.appendingPathComponent("sub"), withIntermediateDirectories: true)
        try Data("secret\n".utf8).write(to: root.appendingPathComponent("secret"))
        try Data("a\n".utf8).write(to: pages.appendingPathComponent("a b.txt"))
        try Data("i\n".utf8).write(to: pages.appendingPathComponent("sub/index.html"))
        try Data("h\n".utf8).write(to: pages.appendingPathComponent(".hidden"))
        try manager.createSymbolicLink(
            at: pages.appendingPathComponent("link"),
            withDestinationURL: root.appendingPathComponent("secret")
        )
        let resources = try StaticResources(directory: pages.path)
        #expect(throws: HTTPError.self) { try StaticResources(directory: pages.path, maxBytes: 3) }
        try await withHTTPServer {
            $0.resources(resources, under: "/files")
        } _: { server in
            let expected = [
                ("/files/a%20b.txt", 200), ("/files/sub/", 200), ("/files/sub/index.html", 200), ("/files/link", 404),
                ("/files/.hidden", 404), ("/files/sub", 404), ("/files/..%2Fsecret", 404), ("/files/../secret", 400),
                ("/files/%2e%2e/secret", 400), ("/files/sub/..", 400), ("/files/./a%20b.txt", 400),
            ]
            for (path, status) in expected {
                let answers = try await server.exchange(HTTPServerTests.get(path, HTTPServerTests.close))
                #expect(answers.map(\.status) == [status], "\(path)")
            }
        }
    }
}

/// Answers lines in upper case, once a connection has been handed over.
private struct Shouting: HTTPUpgrade {
    let protocolName = "shouting"

    func upgrade(_ request: Request, on connection: Connection) -> HTTPUpgradeDecision {
        guard request.query != "no" else { return .refuse(HTTPError(.forbidden).response) }
        return .accept([.accept: "yes"], ShoutingConnection(connection))
    }
}

private final class ShoutingConnection: ConnectionHandler {
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    func opened() { send("READY\n") }
    func received(_ bytes: Span<UInt8>) {
        var text: [UInt8] = []
        for index in bytes.indices { text.append(bytes[index]) }
        send(String(decoding: text, as: UTF8.self).uppercased())
    }
    func peerEnded() {}
    func drain() {
        send("BYE\n")
        connection.close(.local)
    }
    func send(event: String, _ payload: Payload) -> Bool { false }
    func tick(now: Int64) {}
    func closed(_ reason: CloseReason) {}

    private func send(_ text: String) {
        let bytes = Array(text.utf8)
        connection.send(bytes.span)
    }
}

@Suite("HTTP upgrades", .timeLimit(.minutes(3)))
struct UpgradeTests {
    @Test("a connection is handed over with the bytes behind the head", arguments: BackendKind.testable)
    func handOver(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend) {
            $0.upgrade("/shout", using: Shouting())
            $0.onLoop(.get, "/") { _ in .text("hello\n") }
        } _: { server in
            let client = try await server.connect()
            let upgrade = "Connection: Upgrade\r\nUpgrade: other, Shouting/1\r\n"
            try await client.send(HTTPServerTests.get("/") + HTTPServerTests.get("/shout", upgrade) + "abc\n")
            #expect(await client.answer()?.body == "hello\n")
            let answer = await client.answer()
            #expect(answer?.status == 101 && answer?.fields["upgrade"] == "shouting")
            #expect(answer?.fields["connection"] == "Upgrade" && answer?.fields["accept"] == "yes")
            #expect(await client.raw.lines(2) == ["READY", "ABC"])
            try await client.send("def\n")
            #expect(await client.raw.line() == "DEF")
            await server.server.close()
            #expect(await client.raw.remainingLines() == ["BYE"])
        }
    }

    @Test("other requests on an upgrade's path are answered as HTTP", arguments: BackendKind.testable)
    func refusals(_ backend: BackendKind) async throws {
        try await withHTTPServer(backend) {
            $0.upgrade("/shout", using: Shouting())
            $0.upgrade("/both", using: Shouting())
            $0.onLoop(.get, "/both") { _ in .text("page\n") }
        } _: { server in
            let client = try await server.connect()
            let other = "Connection: Upgrade\r\nUpgrade: h2c\r\n"
            let upgrade = "Connection: Upgrade\r\nUpgrade: shouting\r\n"
            try await client.send(HTTPServerTests.get("/shout") + HTTPServerTests.get("/both", other))
            let wanted = await client.answer()
            #expect(wanted?.status == 426 && wanted?.fields["upgrade"] == "shouting")
            #expect(wanted?.fields["connection"] == "Upgrade")
            #expect(await client.answer()?.body == "page\n")
            try await client.send(HTTPServerTests.get("/shout?no", upgrade))
            #expect(await client.answer()?.status == 403)
            try await client.send("POST /both HTTP/1.1\r\nHost: a\r\n\(upgrade)\r\n")
            #expect(await client.answer()?.status == 405)
        }
    }
}
