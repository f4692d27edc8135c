// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import HTTPTypes
import Synchronization

/// Answers requests (Watchbox protocol, §3); on their connections' loops.
struct WatchboxEndpoints: Sendable {
    private let shared: WatchboxShared

    init(_ shared: WatchboxShared) { self.shared = shared }

    // MARK: Who asks

    /// The client, stamped; nil when it is not registered.
    ///
    /// - Throws: 403 for a page of another origin.
    private func client(_ request: Request, _ connection: Connection) throws -> ClientID? {
        guard shared.configuration.origins.allows(request[.origin], authority: request.authority) else {
            throw HTTPError(.forbidden, "Pages of this origin may not ask.")
        }
        let now = connection.context.turnTime
        shared.latest.store(now, ordering: .relaxed)
        return ClientCookie.client(of: request) { shared.clients.touch($0, now: now) }
    }

    private func fields(_ request: Request) -> FormFields {
        FormFields(request.body.span, maxGroups: shared.configuration.maxGroupsPerClient)
    }

    private func field<Value>(_ value: Value?, _ name: String) throws -> Value {
        guard let value else { throw HTTPError(.badRequest, "The field '\(name)' is missing.") }
        return value
    }

    private func code(_ code: WatchboxCode) -> Reply { .now(code.response) }

    // MARK: Types

    func register(_ request: Request, _ connection: Connection) throws -> Reply {
        guard try client(request, connection) == nil else { return code(.registered) }
        let context = connection.context
        guard !context.isStopped,
            let id = shared.clients.register(now: context.turnTime, limit: shared.configuration.maxClients)
        else { return code(.refused) }
        shared.startSweeping(from: context)
        shared.log.write(2, "client registered to server")
        shared.registrations.send(id.description)
        var response = WatchboxCode.registered.response
        response.fields[.setCookie] = ClientCookie.setting(id)
        return .now(response)
    }

    func join(_ request: Request, _ connection: Connection) throws -> Reply {
        guard let id = try client(request, connection) else { return code(.notRegistered) }
        let fields = fields(request)
        let group = try field(fields.groups.first, "group")
        let context = connection.context
        guard group != WatchboxShared.serverGroup else {
            let isNew = shared.clients.change(id) { client in
                defer { client.hasJoinedServer = true }
                return !client.hasJoinedServer
            }
            return .now(joined(id, group, isNew))
        }
        let limit = shared.configuration.maxGroupsPerClient
        let mayJoin = shared.clients.change(id) { client in
            if client.groups.contains(group) { return true }
            guard client.groups.count < limit else { return false }
            client.groups.append(group)
            return true
        }
        guard mayJoin == true else { return code(mayJoin == nil ? .notRegistered : .refused) }
        let home = shared.broker.home(of: group)
        if let resume = fields.resume {
            let resumption = WatchboxResumption(shared, from: context, to: home) { [self] there in
                let isNew = shared.hub(of: there).join(id, group, on: there)
                return (isNew == true, joined(id, group, isNew))
            }
            resumption.set(id, group, from: RoomPosition(token: resume))
            return .later(resumption)
        }
        guard home != context.index else {
            return .now(joined(id, group, shared.hub(of: context).join(id, group, on: context)))
        }
        return .later(
            WatchboxHop(to: home, from: context) { [self] there in
                joined(id, group, shared.hub(of: there).join(id, group, on: there))
            }
        )
    }

    /// - Parameter isNew: Whether the client was no member before; nil when it can't be one.
    private func joined(_ id: ClientID, _ group: String, _ isNew: Bool?) -> Response {
        switch isNew {
        case nil:
            _ = shared.clients.change(id) { client in client.groups.removeAll { $0 == group } }
            return WatchboxCode.refused.response
        case true?:
            shared.log.write(2, "client joined group '\(group)'")
            shared.joins.send(WatchboxJoin(uid: id.description, group: group))
        case false?: break
        }
        return WatchboxCode.joined.response
    }

    func get(_ request: Request, _ connection: Connection) throws -> Reply {
        guard let id = try client(request, connection) else { return code(.notRegistered) }
        let fields = fields(request)
        let configuration = shared.configuration
        let group = try field(fields.groups.first, "group")
        guard fields.groups.count <= configuration.maxGroupsPerClient + 1 else { return code(.refused) }
        let context = connection.context
        let longest = Int(clamping: max(0, configuration.maxWait.nanoseconds) / 1_000_000)
        let question = WatchboxPoll.Question(
            client: id,
            groups: fields.groups,
            wait: min(fields.wait ?? 0, longest),
            batch: fields.batch.map { max(1, min($0, configuration.maxBatch)) },
            wantsPositions: fields.wantsPositions
        )
        guard fields.groups.count == 1, question.batch == nil else {
            return .later(WatchboxPoll(question, shared, on: context))
        }
        // The common case takes no detour.
        let found: (isMember: Bool, json: [UInt8]?)
        if group == WatchboxShared.serverGroup {
            guard let reply = shared.takeReply(id, nil, context) else { return code(.notRegistered) }
            found = reply
        } else {
            guard shared.broker.home(of: group) == context.index else {
                return .later(WatchboxPoll(question, shared, on: context))
            }
            let (isMember, entry) = shared.hub(of: context).next(for: id, in: group, on: context)
            found = (isMember, entry?.json)
            if found.json != nil { shared.log.write(3, "client got messages from server '\(group)'") }
        }
        guard found.isMember else { return code(.noMember) }
        if let json = found.json { return .now(WatchboxCode.response(json)) }
        return question.wait > 0 ? .later(WatchboxPoll(question, shared, on: context)) : code(.nothing)
    }

    func broadcast(_ request: Request, _ connection: Connection) throws -> Reply {
        guard let id = try client(request, connection) else { return code(.notRegistered) }
        let fields = fields(request)
        let group = try field(fields.groups.first, "group")
        let json = try field(fields.text, "text")
        let limits = shared.broker.configuration.limits
        guard group != WatchboxShared.serverGroup, group.utf8.count <= limits.maxRoomNameBytes,
            json.count <= limits.maxMessageBytes, MessageText.isJSON(json)
        else { return code(.refused) }
        shared.log.write(3, "client broadcast message to group '\(group)'")
        let (context, sender, shared) = (connection.context, Sender.session(connection.id), shared)
        let home = shared.broker.home(of: group)
        context.toLoop(home) { shared.hub(of: $0).publish(json, from: id, sender, to: group, on: $0) }
        // Once the client has the answer, whoever asks next finds the message.
        if home != context.index { context.settle() }
        return code(.broadcast)
    }

    func message(_ request: Request, _ connection: Connection) throws -> Reply {
        guard let id = try client(request, connection) else { return code(.notRegistered) }
        let json = try field(fields(request).text, "text")
        if let line = MessageText.logLine(json) {
            guard shared.settings.clientLogging else { return code(.refused) }
            shared.clientLog.append(line.text, application: line.application, client: id)
            return code(.taken)
        }
        guard MessageText.isJSON(json) else { return code(.refused) }
        shared.log.write(3, "client sent message to server")
        guard shared.messages.isHeard else {
            shared.log.write(1, "client sent message to server, which has no message handler")
            return code(.noHandler)
        }
        return code(shared.messages.send(WatchboxMessage(json, from: id, shared)) ? .taken : .refused)
    }

    func unknown(_ request: Request, _ connection: Connection) throws -> Reply {
        guard try client(request, connection) != nil else { return code(.notRegistered) }
        throw HTTPError(.notFound)
    }
}

/// A request whose answer is made on another loop.
///
/// Loop-confined to its connection's loop.
final class WatchboxHop: HeldRequest {
    private let loop: Int
    private let context: LoopContext
    private let work: @Sendable (LoopContext) -> Response
    private var answer: ((Response) -> Void)?

    init(to loop: Int, from context: LoopContext, _ work: @escaping @Sendable (LoopContext) -> Response) {
        self.loop = loop
        self.context = context
        self.work = work
    }

    func begin(_ answer: @escaping (Response) -> Void) {
        self.answer = answer
        let box = LoopConfined(onLoop: self, context.loop)
        let (work, back) = (work, context.index)
        context.toLoop(loop) { there in
            let response = work(there)
            there.toLoop(back) { _ in box.value.answer.take()?(response) }
        }
    }

    /// It is on its way.
    func release() {}
}
