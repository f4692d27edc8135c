// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

@testable import BelfryIRC
import Testing

@Suite("IRC client machine", .timeLimit(.minutes(3)))
struct IRCClientMachineTests {
    private static func registered(joining channels: String...) -> Talk {
        let talk = Talk()
        for channel in channels { _ = talk.want(channel) }
        _ = talk.connected()
        _ = talk.hear("001 belfry :hello")
        return talk
    }

    @Test("it introduces itself: capabilities, password, nickname, user")
    func introduction() {
        let machine = Talk(["server-time"], password: "pass word")
        #expect(
            machine.connected() == [
                .send(.init("CAP", ["LS", "302"])), .send(.init("PASS", ["pass word"])),
                .send(.init("NICK", ["belfry"])), .send(.init("USER", ["belfry", "0", "*", "A bot"])),
            ]
        )
        let plain = Talk()
        #expect(
            plain.connected() == [
                .send(.init("NICK", ["belfry"])), .send(.init("USER", ["belfry", "0", "*", "A bot"])),
            ]
        )
    }

    @Test("it asks for the wanted capabilities that are offered, and ends the negotiation in any case")
    func capabilities() {
        let machine = Talk(["server-time", "message-tags", "batch"])
        _ = machine.connected()
        #expect(machine.hear("CAP * LS * :sasl=PLAIN server-time multi-prefix") == [])
        #expect(
            machine.hear("CAP * LS :message-tags=x other") == [
                .send(.init("CAP", ["REQ", "message-tags server-time"]))
            ]
        )
        #expect(machine.hear("CAP * ACK :server-time") == [.send(.init("CAP", ["END"]))])
        let other = Talk(["server-time"])
        _ = other.connected()
        #expect(other.hear("CAP * LS :multi-prefix") == [.send(.init("CAP", ["END"]))])
        #expect(other.hear("CAP * NAK :x") == [.send(.init("CAP", ["END"]))])
        #expect(other.hear("CAP") == [])
        #expect(other.hear("001 belfry :hello") == [.registered])
        #expect(other.hear("CAP belfry NEW :server-time") == [])
    }

    @Test("a taken nickname is varied, within bounds, and the server has the last word")
    func nicknames() {
        let machine = Talk()
        _ = machine.connected()
        #expect(machine.hear("433 * belfry :in use") == [.send(.init("NICK", ["belfry_"]))])
        #expect(machine.hear("433 * belfry_ :in use") == [.send(.init("NICK", ["belfry2"]))])
        #expect(machine.hear("437 * belfry2 :unavailable") == [.send(.init("NICK", ["belfry3"]))])
        #expect(machine.hear("001 belf :hello") == [.registered])
        #expect(machine.nickname == "belf")
        #expect(machine.hear("433 * belfry :in use") == [])
        let unlucky = Talk()
        _ = unlucky.connected()
        for _ in 1..<20 { _ = unlucky.hear("433 * belfry :in use") }
        #expect(unlucky.hear("433 * belfry :in use") == [.refused("in use")])
        #expect(IRCNames.variant(1, of: "averylongname") == "averylon_")
        #expect(IRCNames.variant(12, of: "世界世界") == "世界12")
    }

    @Test("a server that does not want the client is believed", arguments: [464, 465])
    func refused(_ number: Int) {
        let machine = Talk()
        _ = machine.connected()
        #expect(machine.hear("\(number) * :go away") == [.refused("go away")])
        #expect(machine.hear("ERROR :Closing link") == [])
    }

    @Test("PING is answered with its words")
    func ping() {
        let machine = Talk()
        _ = machine.connected()
        #expect(machine.hear("PING :a b") == [.send(.init("PONG", ["a b"]))])
        #expect(machine.hear("PING one two") == [.send(.init("PONG", ["two"]))])
        #expect(machine.hear("PING") == [.send(.init("PONG", [""]))])
    }

    @Test("a wanted channel is asked for, entered, and asked for again after a reconnect")
    func channels() {
        let machine = Talk()
        #expect(machine.want("#tea") == [])
        _ = machine.connected()
        #expect(machine.hear("001 belfry :hello") == [.registered, .join(["#tea"])])
        #expect(machine.hear(":ann!a@h JOIN #tea") == [])
        #expect(machine.hear(":belfry!b@h JOIN :#tea") == [.joined("#tea")])
        #expect(machine.hear(":belfry!b@h JOIN #other") == [])
        #expect(machine.joinedChannels == ["#tea"])
        #expect(machine.want("#TEA") == [.joined("#TEA")])
        #expect(machine.want("#nuts") == [.join(["#nuts"])])
        machine.disconnected()
        #expect(machine.joinedChannels == [])
        _ = machine.connected()
        #expect(machine.hear("001 belfry :hello") == [.registered, .join(["#nuts", "#tea"])])
    }

    @Test("who is kicked, leaves, or is refused, is not in and does not come back by itself")
    func leaving() {
        let machine = Self.registered(joining: "#a", "#b", "#c")
        for name in ["#a", "#b"] { _ = machine.hear(":belfry JOIN \(name)") }
        _ = machine.hear(":op KICK #a ann :bye")
        _ = machine.hear(":ann PART #a")
        #expect(machine.joinedChannels == ["#a", "#b"])
        _ = machine.hear(":op KICK #a belfry :bye")
        _ = machine.hear(":belfry PART #B")
        #expect(machine.joinedChannels == [])
        #expect(machine.hear(":s 405 belfry #c :too many channels") == [.joinRefused("#c", "too many channels")])
        #expect(machine.hear(":s 405 belfry #c :too many channels") == [])
        machine.disconnected()
        _ = machine.connected()
        #expect(machine.hear("001 belfry :hello") == [.registered])
    }

    @Test("names are compared as the server says")
    func caseMapping() {
        let machine = Self.registered(joining: "#[A]^~")
        #expect(machine.isSame("#[A]^~", "#{a}~^"))
        _ = machine.hear(":s 005 belfry CHANTYPES=# CASEMAPPING=ascii :are supported")
        #expect(!machine.isSame("#[A]", "#{a}"))
        #expect(machine.hear(":BELFRY JOIN #[a]^~") == [.joined("#[a]^~")])
        _ = machine.hear("005 belfry CASEMAPPING=strict-rfc1459")
        #expect(machine.isSame("#[A]", "#{a}"))
        #expect(!machine.isSame("^", "~"))
        _ = machine.hear("005 belfry CASEMAPPING=klingon")
        #expect(machine.joinedChannels == ["#[A]^~"])
    }

    @Test("the client follows its own nickname")
    func nicknameChange() {
        let machine = Self.registered()
        _ = machine.hear(":ann NICK bob")
        #expect(machine.nickname == "belfry")
        _ = machine.hear(":Belfry!b@h NICK :bell")
        #expect(machine.nickname == "bell")
    }

    @Test("one JOIN carries up to ten channels; one with a key, or forgotten, or entered does not wait with them")
    func joinLines() {
        let machine = Self.registered()
        var names = (10..<25).map { "#\($0)" }
        for name in names { _ = machine.want(name, key: name == "#12" ? "secret" : nil) }
        #expect(machine.forget("#11"))
        _ = machine.hear(":belfry JOIN #14")
        #expect(machine.joinLine(&names) == .init("JOIN", ["#10"]))
        #expect(machine.joinLine(&names) == .init("JOIN", ["#12", "secret"]))
        #expect(machine.joinLine(&names) == .init("JOIN", ["#13,#15,#16,#17,#18,#19,#20,#21,#22,#23"]))
        #expect(machine.joinLine(&names) == .init("JOIN", ["#24"]))
        #expect(machine.joinLine(&names) == nil)
    }

    @Test("who has lines that wait takes turns, within his bound and that of all")
    func turns() {
        var outbox = IRCOutbox(maxLines: 6, maxLinesPerTarget: 4)
        #expect(outbox.add([[1], [2], [3]], to: "#a") == true)
        #expect(outbox.add([[4], [5]], to: "#A") == false)
        #expect(outbox.add([[6], [7]], to: "#b") == true)
        #expect(outbox.add([[8], [9]], to: "#c") == false)
        #expect(outbox.add([[8]], to: "#c") == true)
        #expect(outbox.addUrgent([0]) == true)
        outbox.addJoins(["#d"])
        guard case .now([0]) = outbox.next() else { return #expect(Bool(false), "urgent lines go first") }
        #expect(outbox.takePaced { $0.popLast().map { Array($0.utf8) } } == Array("#d".utf8))
        var order: [UInt8] = []
        for number in 0..<4 {
            guard case .paced = outbox.next(), let line = outbox.takePaced({ _ in nil }) else { break }
            // The second line can't be sent, and is the next one again.
            if number == 1 { outbox.putBack(line) } else { order += line }
        }
        #expect(order == [1, 6, 8])
        #expect(outbox.count == 3)
        #expect(outbox.removeAll() == 3)
        #expect(outbox.count == 0)
    }

    @Test("the pace lets a burst go, and then one line an interval")
    func pace() {
        var pace = IRCPace(burst: 3, interval: .seconds(2))
        let start = ContinuousClock.now
        for _ in 0..<3 { #expect(pace.take(at: start) == nil) }
        #expect(pace.take(at: start) == .seconds(2))
        #expect(pace.take(at: start + .seconds(1)) == .seconds(1))
        #expect(pace.take(at: start + .seconds(2)) == nil)
        #expect(pace.take(at: start + .seconds(2)) == .seconds(2))
        for _ in 0..<3 { #expect(pace.take(at: start + .seconds(100)) == nil) }
        #expect(pace.take(at: start + .seconds(100)) == .seconds(2))
        var free = IRCPace(burst: 0, interval: .zero)
        for _ in 0..<100 { #expect(free.take(at: start) == nil) }
    }
}

/// A machine that `#expect` can ask, since it may be shared.
private final class Talk {
    private var machine: IRCClientMachine

    init(_ capabilities: Set<String> = [], password: String? = nil) {
        let identity = IRCClient.Identity(nickname: "belfry", realName: "A bot", password: password)
        machine = IRCClientMachine(identity, capabilities: capabilities)
    }

    var nickname: String { machine.nickname }
    var joinedChannels: [String] { machine.joinedChannels }

    func connected() -> [IRCClientMachine.Action] { machine.connected() }
    func disconnected() { machine.disconnected() }
    func want(_ name: String, key: String? = nil) -> [IRCClientMachine.Action] { machine.want(name, key: key) }
    func forget(_ name: String) -> Bool { machine.forget(name) }
    func isSame(_ one: String, _ other: String) -> Bool { machine.isSame(one, other) }
    func joinLine(_ names: inout [String]) -> IRCMessage? { machine.joinLine(&names) }

    /// A line of the server.
    func hear(_ line: String) -> [IRCClientMachine.Action] {
        guard let message = message(line) else {
            Issue.record("\(line) is no message")
            return []
        }
        return machine.received(message)
    }
}
