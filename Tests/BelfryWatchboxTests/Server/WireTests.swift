// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryTesting
import BelfryWatchbox
import Testing

/// The rows of the protocol's examples (Watchbox protocol, §10).
@Suite("Watchbox on the wire", .timeLimit(.minutes(3)))
struct WireTests {
    @Test("who is not registered gets wb41, whatever it asks", arguments: LoopSetup.all)
    func unregistered(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { running in
            let page = try await running.connect()
            for (type, form) in [
                ("get", "group=foo"), ("join", "group=foo"), ("brdcst", ""), ("server", ""), ("zzz", ""), ("get", ""),
            ] {
                let answer = try await page.ask(type, form)
                #expect(answer.status == 200 && answer.body == "wb41", "\(type)")
                #expect(answer.fields["content-type"] == "text/plain; charset=utf-8")
                #expect(answer.fields["set-cookie"] == nil)
            }
            let forged = try await running.connect(cookie: "__wb.client=4d2ee58d2cb24252abe961442ed9a415")
            #expect(try await forged.post("get", "group=foo") == "wb41")
        }
    }

    @Test("registering gives a cookie, unless there is a live one")
    func register() async throws {
        try await withWatchbox { running in
            let page = try await running.connect()
            let first = try await page.ask("register")
            let cookie = try #require(first.fields["set-cookie"])
            // swift-format-ignore
            #expect(cookie.wholeMatch(of: /__wb\.client=[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}; Path=\/; HttpOnly; SameSite=Lax/) != nil)
            #expect(first.body == "wb42")
            let again = try await page.ask("register")
            #expect(again.body == "wb42" && again.fields["set-cookie"] == nil)
            for made in ["deadbeef", String(repeating: "0", count: 32), "", "DEADBEEF4d2ee58d2cb24252abe96144"] {
                let other = try await running.connect(cookie: "__wb.client=\(made)")
                let answer = try await other.ask("register", method: "GET")
                let uid = await other.uid
                #expect(answer.body == "wb42" && uid.count == 32 && uid != made)
            }
            #expect(running.watchbox.clientCount == 5)
        }
    }

    @Test("messages arrive as they were published, byte for byte", arguments: LoopSetup.all)
    func messages(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { running in
            let publisher = try await running.page()
            for (index, (group, form, json)) in Self.captured.enumerated() {
                let page = try await running.connect(cookie: nil)
                #expect(try await page.post("register") == "wb42")
                #expect(try await page.post("get", "group=\(group)") == "wb11", "\(index)")
                #expect(try await page.post("join", "group=\(group)") == "wb31")
                #expect(try await page.post("get", "group=\(group)") == "wb00")
                #expect(try await publisher.post("brdcst", "group=\(group)&text=\(form)") == "wb21")
                #expect(try await page.post("get", "group=\(group)") == json)
                #expect(try await page.post("get", "group=\(group)") == "wb00")
            }
        }
    }

    private static let captured: [(group: String, text: String, json: String)] = [
        ("foo", "%2522im%2520here!%2522", #""im here!""#),
        ("a+b", "%2522im%2520here!%2520%252B%25C3%25A9%2522", #""im here! +é""#),
        (
            "foo",
            "%257B%2522a%2522%253A1%252C%2522t%2522%253A%2522%25C3%25A9%252B%2520%252541%2520%2526%2520%253D%25E2%2598%2583%2522%257D",
            #"{"a":1,"t":"é+ %41 & =☃"}"#
        ),
        ("", "%22plain+100%25+text%22", #""plain 100% text""#),
        ("%C3%A9%00x", "%22%25FF%22", "\"\u{FFFD}\""),
        ("foo", "%20%5B%201%2C%20%201e3%20%5D", " [ 1,  1e3 ]"),
        ("foo", "%2522%255Cu00e9%2522", #""\u00e9""#),
        ("foo", "0", "0"), ("foo", "false", "false"), ("foo", "%22%22", #""""#),
    ]

    @Test("what is no JSON, and what is for the group server, is refused and not queued")
    func refused() async throws {
        try await withWatchbox { running in
            let page = try await running.page(in: "foo", "server")
            let publisher = try await running.page()
            for text in ["wb41", "wb00", "", "%257B", "1+2", "%22", "%5B1%2C%5D", "NaN", "%EF%BB%BF1"] {
                #expect(try await publisher.post("brdcst", "group=foo&text=\(text)") == "wb24", "\(text)")
                #expect(try await publisher.post("server", "text=\(text)") == "wb24", "\(text)")
            }
            let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
            #expect(try await publisher.post("brdcst", "group=foo&text=\(deep)") == "wb24")
            #expect(try await publisher.post("brdcst", "group=server&text=1") == "wb24")
            #expect(try await publisher.post("brdcst", "group=\(String(repeating: "x", count: 256))&text=1") == "wb24")
            #expect(!running.watchbox.publish(.json("{"), to: "foo"))
            #expect(!running.watchbox.publish(.text("x"), to: "server"))
            #expect(try await page.post("get", "group=foo") == "wb00")
            #expect(try await page.post("get", "group=server") == "wb00")
        }
    }

    @Test(
        "joining again changes nothing, and the sender is left out unless it is told otherwise",
        arguments: LoopSetup.all
    )
    func rejoin(_ setup: LoopSetup) async throws {
        try await withWatchbox(setup) { running in
            let page = try await running.page(in: "foo")
            let other = try await running.page(in: "foo")
            #expect(try await other.post("brdcst", "group=foo&text=1") == "wb21")
            #expect(try await page.post("join", "group=foo") == "wb31")
            #expect(try await page.post("brdcst", "group=foo&text=2") == "wb21")
            #expect(try await page.post("get", "group=foo") == "1")
            #expect(try await page.post("get", "group=foo") == "wb00")
            #expect(try await other.post("get", "group=foo") == "2")
            running.watchbox.deliverToSender = true
            #expect(try await page.post("brdcst", "group=foo&text=3") == "wb21")
            #expect(try await page.post("get", "group=foo") == "3")
        }
    }

    @Test("missing fields, other methods, unknown types and large bodies have their statuses")
    func statuses() async throws {
        try await withWatchbox(server: { $0.maxBodyBytes = 1_000 }) { running in
            let page = try await running.page(in: "foo")
            for (type, form) in [
                ("join", ""), ("get", ""), ("brdcst", "group=foo"), ("brdcst", "text=1"), ("server", "group=foo"),
                ("get", "groups=foo&&=&x"),
            ] {
                #expect(try await page.ask(type, form).status == 400, "\(type) \(form)")
            }
            let put = try await page.ask("join", method: "PUT")
            #expect(put.status == 405 && put.fields["allow"] == "GET, HEAD, OPTIONS, POST")
            #expect(try await page.ask("zzz").status == 404)
            #expect(try await page.ask("get.x", method: "GET").status == 404)
            #expect(try await page.ask("register", method: "GET").body == "wb42")
            #expect(try await page.ask("brdcst", String(repeating: "x", count: 1_001)).status == 413)
        }
    }

    @Test("malformed forms are read as far as they go")
    func lenient() async throws {
        try await withWatchbox { running in
            let page = try await running.page(in: "%zz+%4")
            let other = try await running.page()
            #expect(try await other.post("brdcst", "text=%22%zz%2&group=%zz+%4&text=2&x=%") == "wb24")
            #expect(try await other.post("brdcst", "text=%22%zz%2%22&group=%zz+%4&text=2&x=%") == "wb21")
            #expect(try await page.post("get", "group=%25zz+%254") == #""%zz%2""#)
        }
    }

    @Test("pages of another origin are refused, those of the same are not")
    func origins() async throws {
        try await withWatchbox { running in
            let page = try await running.page(in: "foo")
            for (origin, status) in [
                ("http://page.test", 200), ("http://evil.test", 403), ("null", 403), ("http://page.test.evil", 403),
            ] {
                let answer = try await page.ask("brdcst", "group=foo&text=1", fields: ["Origin: \(origin)"])
                #expect(answer.status == status, "\(origin)")
            }
        }
    }

    @Test("the script has its type and a tag, and asks for no cookie")
    func file() async throws {
        try await withWatchbox { running in
            let page = try await running.connect()
            let script = try await page.ask("file", method: "GET")
            #expect(script.status == 200 && script.fields["content-type"] == "text/javascript; charset=utf-8")
            let tag = try #require(script.fields["etag"])
            #expect(try await page.ask("file", method: "GET", fields: ["If-None-Match: \(tag)"]).status == 304)
            #expect(try await page.post("file") == script.body)
            #expect(running.watchbox.clientCount == 0)
        }
    }

    @Test("the log has the original's lines")
    func log() async throws {
        try await withWatchbox { running in
            let page = try await running.page(in: "foo")
            let other = try await running.page()
            try await other.post("brdcst", "group=foo&text=1")
            try await page.post("get", "group=foo")
            try await page.post("get", "group=foo")
            try await page.post("server", "text=1")
            running.watchbox.loggingLevel = 1
            try await page.post("join", "group=%0Abar")
            running.watchbox.loggingLevel = 2
            try await page.post("join", "group=b%0Ax")
            #expect(
                running.lines.texts == [
                    "watchbox : level 2 : T : client registered to server",
                    "watchbox : level 2 : T : client joined group 'foo'",
                    "watchbox : level 2 : T : client registered to server",
                    "watchbox : level 3 : T : client broadcast message to group 'foo'",
                    "watchbox : level 3 : T : client got messages from server 'foo'",
                    "watchbox : level 3 : T : client sent message to server",
                    "watchbox : level 1 : T : client sent message to server, which has no message handler",
                    "watchbox : level 2 : T : client joined group 'b\\nx'",
                ]
            )
        }
    }
}
