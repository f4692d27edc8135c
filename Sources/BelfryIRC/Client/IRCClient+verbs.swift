// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

extension IRCClient {
    /// Joins a channel and waits until the client is in; it is joined again after each reconnect.
    ///
    /// A channel that the client is in already is no error. Who is kicked out is not in any more, and stays out.
    ///
    /// - Parameters:
    ///   - channel: Its name, with `#` or another sign for channels in front.
    ///   - key: The channel's password.
    /// - Throws: ``IRCError`` `.badName`, `.joinRefused`, `.timedOut` after `joinTimeout`, `.cancelled`, `.closed`; the
    ///   channel is then no longer tried.
    public func join(_ channel: String, key: String? = nil) async throws(IRCError) {
        try check(channel, key)
        let actions = machine.want(channel, key: key)
        guard actions != [.joined(channel)] else { return }
        let parker = Parker<Result<Void, IRCError>>()
        joiners.append((channel, parker))
        perform(actions)
        let late = IRCError(.timedOut, "no answer to joining \(channel)")
        let timer = loop.schedule(after: configuration.joinTimeout, waking: parker, with: .failure(late))
        let answer = await parker.park()
        loop.cancel(timer)
        joiners.removeAll { $0.parker === parker }
        switch answer {
        case .value(.success): return
        case .value(.failure(let error)):
            forget(channel)
            throw error
        case .cancelled:
            forget(channel)
            throw IRCError(.cancelled, "cancelled while joining \(channel)")
        }
    }

    /// Wants to be in a channel without waiting for it, now and after each reconnect; otherwise as ``join(_:key:)``.
    ///
    /// A refusal shows among the messages.
    ///
    /// - Throws: ``IRCError`` `.badName`, `.closed`.
    public func startJoining(_ channel: String, key: String? = nil) throws(IRCError) {
        try check(channel, key)
        perform(machine.want(channel, key: key))
    }

    private func check(_ channel: String, _ key: String?) throws(IRCError) {
        guard IRCNames.isChannel(channel), key.map(IRCNames.isTarget) ?? true else {
            throw IRCError(.badName, "'\(channel.prefix(80))' is no channel, or its key is none")
        }
        try checkAlive()
    }

    /// Gives a channel up, unless another task still waits to be in; a JOIN that is under way is taken back.
    private func forget(_ channel: String) {
        guard !joiners.contains(where: { machine.isSame($0.channel, channel) }), machine.forget(channel) else { return }
        try? enqueue([IRCMessage("PART", [channel])])
    }

    /// Leaves a channel, behind what was queued before; it is not joined again.
    ///
    /// - Throws: ``IRCError`` `.badName`, `.badMessage`, `.queueFull`, `.closed`.
    public func part(_ channel: String, _ reason: String = "") throws(IRCError) {
        guard IRCNames.isChannel(channel) else { throw IRCError(.badName, "'\(channel.prefix(80))' is no channel") }
        try checkAlive()
        try enqueue([IRCMessage("PART", reason.isEmpty ? [channel] : [channel, reason])])
        _ = machine.forget(channel)
    }

    /// Says something to a channel or a person, in as many lines as it takes.
    ///
    /// Returns once the lines are queued, not once they are sent. They are cut as ``IRCText/lines(of:maxBytes:)`` does,
    /// so that each still fits with the prefix which the server puts before it.
    ///
    /// - Throws: ``IRCError`` `.badName`, `.queueFull` (then nothing is said), `.closed`.
    public func send(_ text: String, to target: String) throws(IRCError) { try say("PRIVMSG", text, to: target) }

    /// Says something that no program may answer; otherwise as ``send(_:to:)-(String,_)``.
    public func notice(_ text: String, to target: String) throws(IRCError) { try say("NOTICE", text, to: target) }

    /// Sends any message, at the pace.
    ///
    /// - Throws: ``IRCError`` `.badMessage`, `.tooLong`, `.queueFull`, `.closed`.
    public func send(_ message: IRCMessage) throws(IRCError) {
        try checkAlive()
        try enqueue([message])
    }

    /// Says goodbye once what is queued is sent, within `quitTimeout`; the client ends then.
    ///
    /// The end of the scope does so by itself, without a reason.
    public func quit(_ reason: String = "") async { await sayGoodbye(reason, isFlushing: true) }

    private func say(_ command: String, _ text: String, to target: String) throws(IRCError) {
        guard IRCNames.isTarget(target) else {
            throw IRCError(.badName, "'\(target.prefix(80))' is neither a channel nor a person")
        }
        try checkAlive()
        // The line as others get it: `:nick!user@host PRIVMSG target :text`. Servers cut a user's name at 20 bytes or
        // fewer, and a host's at 64.
        let prefix = 1 + max(machine.nickname.utf8.count, 30) + 1 + 20 + 1 + 64 + 1
        let around = prefix + command.utf8.count + 1 + target.utf8.count + 2 + 2
        let lines = IRCText.lines(of: text, maxBytes: IRCLimits.lineBytes - around)
        try enqueue(lines.map { IRCMessage(command, [target, $0]) })
    }

    private func enqueue(_ messages: [IRCMessage]) throws(IRCError) {
        var lines: [[UInt8]] = []
        for message in messages { lines.append(try message.encoded()) }
        let target = messages.first?.target ?? ""
        guard outbox.add(lines, to: target) else {
            throw IRCError(.queueFull, "too many lines wait for \(target.prefix(80)) or for all: \(outbox.count)")
        }
        sending.unpark()
    }

    private func checkAlive() throws(IRCError) {
        if isQuitting { throw IRCError(.closed, "the client has ended") }
        if hasEnded { throw failure ?? IRCError(.closed, "the client has ended") }
    }
}
