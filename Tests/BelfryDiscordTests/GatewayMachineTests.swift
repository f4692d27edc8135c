// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BelfryDiscord

/// The gateway's rules as "Using Gateway" and "Opcodes and Status Codes" state them.
@Suite("Discord's gateway without I/O", .timeLimit(.minutes(3)))
struct GatewayMachineTests {
    private static let second: Int64 = 1_000_000_000
    private static let token = "a.secret-token"
    private static let hello = #"{"op":10,"d":{"heartbeat_interval":40000}}"#
    private static let ready =
        #"{"op":0,"s":1,"t":"READY","d":{"v":10,"user":{"id":"77","username":"bot","bot":true},"#
        + #""session_id":"abc","resume_gateway_url":"wss://resume.test"}}"#
    private static let identify = GatewayMachine.Action.send(
        #"{"op":2,"d":{"token":"a.secret-token","intents":33281,"#
            + #""properties":{"os":"linux","browser":"belfry","device":"belfry"}}}"#
    )
    private static let resume = GatewayMachine.Action.send(
        #"{"op":6,"d":{"token":"a.secret-token","session_id":"abc","seq":1}}"#
    )
    private static let start = GatewayMachine.Next.connect("wss://gateway.test/?v=10&encoding=json", after: 0)

    private func machine(_ gateway: String = "wss://gateway.test") -> GatewayMachine {
        GatewayMachine(token: Self.token, intents: 33_281, gateway: gateway)
    }

    private func open(_ machine: inout GatewayMachine, now: Int64 = 0) {
        machine.opened(now: now)
        _ = machine.receive(Array(Self.hello.utf8), now: now, random: 0.5)
        _ = machine.receive(Array(Self.ready.utf8), now: now, random: 0.5)
    }

    private func take(_ machine: inout GatewayMachine, _ text: String, now: Int64 = 0) -> [GatewayMachine.Action] {
        machine.receive(Array(text.utf8), now: now, random: 0.5)
    }

    private func message(_ more: String = "", type: Int = 0, author: Int = 5, number: Int = 2) -> String {
        #"{"op":0,"s":\#(number),"t":"MESSAGE_CREATE","d":{"id":"9","channel_id":"8","guild_id":"7","type":\#(type),"#
            + #""author":{"id":"\#(author)","username":"eve"},"content":"h\u00e9"\#(more)}}"#
    }

    @Test("a session begins: hello, identify, ready")
    func begins() {
        var machine = machine()
        let url = machine.url
        #expect(url == "wss://gateway.test/?v=10&encoding=json")
        machine.opened(now: 0)
        #expect(take(&machine, Self.hello) == [Self.identify])
        let user = DiscordUser(id: 77, name: "bot", isBot: true)
        #expect(take(&machine, Self.ready) == [.report(.ready(user, afterLoss: false))])
    }

    @Test("heartbeats come after a random part of the interval, then each interval, with the last number")
    func heartbeats() {
        var machine = machine()
        machine.opened(now: 0)
        _ = take(&machine, Self.hello)
        let first = machine.deadline
        #expect(first == 20 * Self.second)
        #expect(machine.tick(now: 20 * Self.second - 1).isEmpty)
        #expect(machine.tick(now: 20 * Self.second) == [.send(#"{"op":1,"d":null}"#)])
        _ = take(&machine, #"{"op":11}"#)
        _ = take(&machine, Self.ready)
        let second = machine.deadline
        #expect(second == 60 * Self.second)
        #expect(machine.tick(now: 60 * Self.second) == [.send(#"{"op":1,"d":1}"#)])
    }

    @Test("a heartbeat without an answer means that nobody is there: leave so that the session lives, and resume")
    func zombie() {
        var machine = machine()
        open(&machine)
        _ = machine.tick(now: 20 * Self.second)
        #expect(machine.tick(now: 60 * Self.second) == [.disconnect(4000)])
        #expect(machine.tick(now: 61 * Self.second).isEmpty)
        let next = machine.ended(code: nil, now: 61 * Self.second, random: 0)
        #expect(next == .connect("wss://resume.test/?v=10&encoding=json", after: Self.second / 4))
        machine.opened(now: 62 * Self.second)
        #expect(take(&machine, Self.hello) == [Self.resume])
        #expect(take(&machine, #"{"op":0,"s":2,"t":"RESUMED","d":{}}"#) == [.report(.resumed)])
    }

    @Test("a gateway that says no hello is left")
    func noHello() {
        var machine = machine()
        machine.opened(now: 0)
        #expect(machine.tick(now: 19 * Self.second).isEmpty)
        #expect(machine.tick(now: 20 * Self.second) == [.disconnect(4000)])
    }

    @Test("a heartbeat that is asked for comes at once, but not for ever")
    func asked() {
        var machine = machine()
        open(&machine)
        var count = 0
        for _ in 0..<200 where take(&machine, #"{"op":1,"d":null}"#) == [.send(#"{"op":1,"d":1}"#)] { count += 1 }
        #expect(count == 15)
        #expect(take(&machine, #"{"op":1,"d":null}"#, now: 61 * Self.second).count == 1)
    }

    @Test("heartbeats alone never break the limit of 120 payloads a minute, whatever interval is asked for")
    func hastyInterval() {
        var machine = machine()
        machine.opened(now: 0)
        _ = take(&machine, #"{"op":10,"d":{"heartbeat_interval":1}}"#)
        var count = 0
        for step in 0..<60_000 {
            let now = Int64(step) * Self.second / 1_000
            count += machine.tick(now: now).count
            _ = take(&machine, #"{"op":11}"#, now: now)
        }
        #expect(count <= 101 && count >= 99)
    }

    @Test(
        "a request to reconnect, and an invalid session that is not, are resumed",
        arguments: [#"{"op":7,"d":null}"#, #"{"op":9,"d":true}"#]
    )
    func reconnect(_ text: String) {
        var machine = machine()
        open(&machine)
        #expect(take(&machine, text) == [.disconnect(4000)])
        _ = machine.ended(code: 4000, now: 0, random: 0)
        machine.opened(now: 0)
        #expect(take(&machine, Self.hello) == [Self.resume])
    }

    @Test("an invalid session is forgotten, and what begins then says that events were lost")
    func invalid() {
        var machine = machine()
        open(&machine)
        _ = machine.ended(code: nil, now: 0, random: 0)
        machine.opened(now: 0)
        _ = take(&machine, Self.hello)
        #expect(take(&machine, #"{"op":9,"d":false}"#) == [.disconnect(4000)])
        let next = machine.ended(code: 4000, now: 0, random: 0.5)
        #expect(next == .connect("wss://gateway.test/?v=10&encoding=json", after: 5 * Self.second))
        machine.opened(now: 5 * Self.second)
        #expect(take(&machine, Self.hello, now: 5 * Self.second) == [Self.identify])
        let user = DiscordUser(id: 77, name: "bot", isBot: true)
        #expect(take(&machine, Self.ready) == [.report(.ready(user, afterLoss: true))])
    }

    @Test("close codes say whether to resume, to begin anew or to stop", arguments: 4000...4014)
    func closeCodes(_ code: UInt16) {
        var machine = machine()
        open(&machine)
        switch machine.ended(code: code, now: 10 * Self.second, random: 0) {
        case .stop(let error):
            #expect([4004, 4010, 4011, 4012, 4013, 4014].contains(code))
            #expect(error.code == .rejected && !"\(error)".contains(Self.token))
        case .connect(let url, _):
            let isNew = [4003, 4007, 4009].contains(code)
            #expect(url.hasPrefix(isNew ? "wss://gateway.test/" : "wss://resume.test/"), "\(url)")
            machine.opened(now: 10 * Self.second)
            #expect(take(&machine, Self.hello, now: 10 * Self.second) == [isNew ? Self.identify : Self.resume])
        }
    }

    @Test("pauses double up to the longest, and where the session was is tried three times")
    func pauses() {
        var machine = machine()
        open(&machine)
        _ = machine.ended(code: nil, now: 0, random: 1)
        var seconds: [Int64] = []
        var urls: [String] = []
        for _ in 0..<10 {
            guard case .connect(let url, let after) = machine.ended(code: nil, now: 0, random: 1) else { continue }
            seconds.append(after / Self.second)
            urls.append(String(url.dropFirst(6).prefix(6)))
        }
        #expect(seconds == [1, 2, 4, 8, 16, 32, 64, 120, 120, 120])
        #expect(urls.prefix(4) == ["resume", "resume", "gatewa", "gatewa"])
        machine.opened(now: 0)
        #expect(take(&machine, Self.hello) == [Self.resume])
    }

    @Test(
        "a session is not resumed over plain text when it began over TLS",
        arguments: ["ws://resume.test", "http://x", ""]
    )
    func downgrade(_ url: String) {
        var machine = machine()
        machine.opened(now: 0)
        _ = take(&machine, Self.hello)
        _ = take(&machine, Self.ready.replacing("wss://resume.test", with: url))
        #expect(
            machine.ended(code: nil, now: 0, random: 0)
                == .connect("wss://gateway.test/?v=10&encoding=json", after: Self.second / 4)
        )
    }

    @Test("messages of people are reported, own ones as such, and Discord's own notices are not")
    func messages() {
        var machine = machine()
        open(&machine)
        let attached = #","attachments":[{"id":"1","url":"https://cdn.test/a.png"},{"id":"2"}]"#
        let eve = DiscordUser(id: 5, name: "eve", isBot: false)
        let message = DiscordMessage(
            id: 9,
            channelID: 8,
            guildID: 7,
            author: eve,
            content: "hé",
            attachments: ["https://cdn.test/a.png"],
            isOwn: false
        )
        #expect(take(&machine, self.message(attached)) == [.report(.message(message))])
        guard case .report(.message(let own))? = take(&machine, self.message(type: 19, author: 77)).first else {
            Issue.record("no message")
            return
        }
        #expect(own.isOwn)
        for type in [1, 4, 6, 7, 18, 21] { #expect(take(&machine, self.message(type: type)).isEmpty) }
        #expect(take(&machine, #"{"op":0,"s":9,"t":"TYPING_START","d":{}}"#).isEmpty)
        // The number counts all the same.
        #expect(take(&machine, #"{"op":1}"#) == [.send(#"{"op":1,"d":9}"#)])
    }

    @Test(
        "what is no payload ends the connection, and what lacks members is left alone",
        arguments: [
            ("", 1), ("[]", 1), ("{", 1), ("{}", 1), (#"{"op":"x"}"#, 1), (#"{"op":99999999999999999999}"#, 1),
            (#"{"op":10}"#, 0), (#"{"op":0,"t":"READY","d":{}}"#, 1), (#"{"op":0,"t":"READY"}"#, 1),
            (#"{"op":0,"t":"MESSAGE_CREATE","d":{"id":"9"}}"#, 0), (#"{"op":0,"t":"MESSAGE_CREATE","d":[]}"#, 0),
            (#"{"op":3}"#, 0), (#"{"op":0}"#, 0), (#"{"op":0,"s":null,"t":null,"d":null}"#, 0),
        ]
    )
    func malformed(_ text: String, _ count: Int) {
        var machine = machine()
        open(&machine)
        let actions = take(&machine, text)
        #expect(actions == (count == 1 ? [.disconnect(4000)] : []))
    }

    @Test("noise never traps, and sends nothing that was not asked for")
    func noise() {
        var seed: UInt64 = 11
        let base = [Self.hello, Self.ready, message(), #"{"op":9,"d":false}"#, #"{"op":7}"#].map { Array($0.utf8) }
        for round in 0..<3_000 {
            var machine = machine()
            machine.opened(now: 0)
            for var bytes in base {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let index = Int(truncatingIfNeeded: seed >> 33) % bytes.count
                bytes[index] = UInt8(truncatingIfNeeded: seed >> 20)
                if round % 3 == 0 { bytes.removeLast(bytes.count - index) }
                let actions = machine.receive(bytes, now: 0, random: 0.5)
                #expect(actions.count <= 1)
            }
        }
    }

    @Test("a day of sessions that never last takes fewer than 1,000 identifies")
    func identifyBudget() {
        var machine = machine()
        var now: Int64 = 0
        var identifies = 0
        while now < 86_400 * Self.second {
            machine.opened(now: now)
            if take(&machine, Self.hello, now: now) == [Self.identify] { identifies += 1 }
            _ = take(&machine, Self.ready, now: now)
            guard case .connect(_, let after) = machine.ended(code: 4009, now: now, random: 0) else { break }
            now += max(after, 1)
        }
        #expect(identifies > 500 && identifies < 1_000)
    }
}
