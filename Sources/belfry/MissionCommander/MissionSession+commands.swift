// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander

extension MissionSession {
    /// Does it.
    ///
    /// - Throws: What the library throws; `help` knows what to say to that.
    func perform(_ command: MissionCommand) async throws(MissionCommanderError) -> Answer {
        switch command {
        case .nothing: return .nothing
        case .help: return .done("Command syntax:  {client/server} <verb> [args...]")
        case .leave: return .leaving
        case .knownVerbs(let controller):
            return .done("\(controller.rawValue): Known verbs: \(controller.verbs.joined(separator: ", "))")
        case .set(let controller, let field, let value):
            try await set(controller, field, value.property)
            return .done("Set \(controller.rawValue) field \(field.rawValue) to \(value.typed)")
        case .get(let controller, let field): return .done("\(await get(controller, field))")
        case .connect: return try await connect()
        case .disconnect: return try await disconnect()
        case .start:
            try await server.start()
            return .done("server: Started")
        case .stop:
            try await server.stop()
            return .done("server: Stopped")
        case .send(let subject, let payload):
            _ = try await server.send(to: .all, Message(subject: subject, payload: .json(payload)))
            return .done("server: Sent message \(ShellWords.quote(subject))")
        case .status(.client): return .done(await client.state.name ?? "None")
        case .status(.server): return .done(await server.status)
        }
    }

    private func set(
        _ controller: MissionCommand.Controller,
        _ field: MissionCommand.Field,
        _ value: PropertyValue
    ) async throws(MissionCommanderError) {
        if controller == .client, let property = Client.Property(rawValue: field.rawValue) {
            try await client.set(property, to: value)
        } else if controller == .server, let property = Server.Property(rawValue: field.rawValue) {
            try await server.set(property, to: value)
        }
    }

    func get(_ controller: MissionCommand.Controller, _ field: MissionCommand.Field) async -> PropertyValue {
        if controller == .client, let property = Client.Property(rawValue: field.rawValue) {
            return await client.get(property)
        }
        if controller == .server, let property = Server.Property(rawValue: field.rawValue) {
            // For port 0 the one that the kernel chose, once it has.
            if property == .port, let port = await server.address?.port { return .integer(Int(port)) }
            return await server.get(property)
        }
        return .null
    }

    /// Connects, or says why not; a connection that stood once is mended by itself, one that never did is not tried on.
    private func connect() async throws(MissionCommanderError) -> Answer {
        let state = await client.state
        guard !state.contains(.running) else {
            let what = state.contains(.connected) ? "already connected" : "on its way"
            return .failed("client: connect: Client is \(what): say 'client disconnect' first")
        }
        await client.setAttemptReconnect(false)
        let result: Result<Bool, MissionCommanderError>
        do throws(MissionCommanderError) {
            result = .success(try await client.connect())
        } catch {
            result = .failure(error)
        }
        await client.setAttemptReconnect(true)
        if try result.get() { return .done("client: Connected") }
        return .failed("client: connect: \(await failure())")
    }

    private func disconnect() async throws(MissionCommanderError) -> Answer {
        guard await client.state.contains(.running) else {
            return .failed("client: disconnect: Client is not connected")
        }
        if try await client.disconnect() { return .done("client: Disconnected") }
        return .failed("client: disconnect: The server did not hear of it; the connection is closed all the same")
    }
}
