// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
import BelfryWatchbox
import Foundation
import Testing

@Suite("Watchbox handlers and sequences", .timeLimit(.minutes(3)))
struct HandlerTests {
    private struct Broken: Error {}

    @Test("without a handler the answer is wb23; the last handler wins; what it throws is logged")
    func handlers() async throws {
        try await withWatchbox { running in
            let page = try await running.page(in: "server")
            #expect(try await page.post("server", "text=1") == "wb23")
            running.watchbox.onMessage { _ in throw Broken() }
            #expect(try await page.post("server", "text=1") == "wb22")
            try await eventually("the failure is logged") {
                running.lines.texts.contains("watchbox : level 1 : T : the handler of onMessage failed: Broken()")
            }
            running.watchbox.onMessage { message in
                await Task.yield()
                message.reply(message.message)
            }
            for array in ["%5B%22x%22%5D", "%5B%22_log_%22%5D", "%5B%22_log_%22,1,2,3%5D", "%5B%5D"] {
                #expect(try await page.post("server", "text=\(array)") == "wb22", "\(array)")
            }
            var replies: [String] = []
            for _ in 0..<4 { replies.append(try await page.post("get", "group=server&wait=50000")) }
            #expect(replies == [#"["x"]"#, #"["_log_"]"#, #"["_log_",1,2,3]"#, "[]"])
        }
    }

    @Test("who registers and joins is told once, to handlers and sequences")
    func arrivals() async throws {
        try await withWatchbox { running in
            var registrations = running.watchbox.registrations.makeAsyncIterator()
            var joins = running.watchbox.joins.makeAsyncIterator()
            let seen = LogLines()
            running.watchbox.onRegister { seen.append("register \($0)") }
            running.watchbox.onJoin { seen.append("join \($0)") }
            let page = try await running.page(in: "a", "a", "server")
            let uid = await page.uid
            guard case .element(let registered)? = try await registrations.next(),
                case .element(let first)? = try await joins.next(),
                case .element(let second)? = try await joins.next()
            else {
                Issue.record("a sequence ended")
                return
            }
            #expect(registered == uid)
            #expect([first, second].map(\.group) == ["a", "server"] && first.uid == uid)
            try await eventually("the handlers were called") { seen.texts.count == 3 }
            #expect(seen.texts.sorted() == ["join \(uid)", "join \(uid)", "register \(uid)"])
        }
    }

    @Test("a handler that is too slow has messages refused, and holds up nobody")
    func slow() async throws {
        try await withWatchbox(configure: { $0.maxWaitingEvents = 2 }) { running in
            let page = try await running.page(in: "server")
            let gate = Parker<Void>()
            running.watchbox.onMessage { message in
                if message.message == .json("0") { _ = await gate.park() }
                message.reply(message.message)
            }
            #expect(try await page.post("server", "text=0") == "wb22")
            var answers: [String] = []
            while answers.last != "wb24" { answers.append(try await page.post("server", "text=\(answers.count + 1)")) }
            #expect((3...4).contains(answers.count))
            gate.unpark()
            #expect(try await page.post("get", "group=server&wait=50000") == "0")
            #expect(try await page.post("get", "group=server&wait=50000") == "1")
        }
    }

    @Test("client log lines go to a file, one line each, until that is switched off")
    func clientLog() async throws {
        try await withWatchbox { running in
            let page = try await running.page()
            let form = "text=%255B%2522_log_%2522%252C%2522internals%2522%252C%2522connected%2522%255D"
            #expect(try await page.post("server", form) == "wb22")
            let forged = "text=%5B%22_log_%22%2C%22in%5Cnternals%22%2C%22a%5Cnb%5Cu2028c%5Cu001b%5B1m%22%5D"
            #expect(try await page.post("server", forged) == "wb22")
            let uid = await page.uid
            var text = ""
            try await eventually("the lines are written") {
                text = (try? String(contentsOf: running.clientLog, encoding: .utf8)) ?? ""
                return text.utf8.count { $0 == 10 } == 2
            }
            let lines = text.split(separator: "\n").map {
                $0.replacing(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [AP]M/, with: "T")
            }
            #expect(lines.first == "watchbox : internals : T : \(uid) : connected")
            #expect(lines.last == "watchbox : in\\nternals : T : \(uid) : a\\nb\\u2028c\\u001b[1m")
            running.watchbox.clientLogging = false
            #expect(try await page.post("server", form) == "wb24")
            #expect(try await page.post("server", "text=1") == "wb23")
        }
    }

    @Test("a full log file is put aside once")
    func fullLog() async throws {
        try await withWatchbox(configure: { $0.maxClientLogBytes = 300 }) { running in
            let page = try await running.page()
            let text = String(repeating: "x", count: 100)
            for number in 0..<9 {
                try await page.post("server", "text=%5B%22_log_%22,%22a%22,%22\(number)\(text)%22%5D")
            }
            let last = "\(8)\(text)\n"
            try await eventually("the last line is written") {
                (try? String(contentsOf: running.clientLog, encoding: .utf8))?.hasSuffix(last) == true
            }
        }
    }
}
