// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import BelfryIO
import Logging

/// Keeps a connection to the gateway: what `GatewayMachine` says, done.
actor GatewayLink: LoopBound {
    nonisolated let loop: EventLoop
    private let rest: DiscordREST
    private let token: DiscordToken
    private let configuration: DiscordClient.Configuration
    private let logger: Logger
    private let report: @Sendable (DiscordEvent) -> Void
    private var machine: GatewayMachine?
    private var random = SystemRandomNumberGenerator()

    init(
        _ rest: DiscordREST,
        _ token: DiscordToken,
        _ configuration: DiscordClient.Configuration,
        on loop: EventLoop,
        logger: Logger,
        report: @escaping @Sendable (DiscordEvent) -> Void
    ) {
        self.rest = rest
        self.token = token
        self.configuration = configuration
        self.loop = loop
        self.logger = logger
        self.report = report
    }

    /// Connects, and again after each end, until the task is cancelled or the gateway wants no more.
    func run() async {
        guard let gateway = await address() else { return }
        var timing = GatewayMachine.Timing()
        timing.pause = max(1, configuration.reconnectPause.nanoseconds)
        timing.maxPause = max(timing.pause, configuration.maxReconnectPause.nanoseconds)
        machine = GatewayMachine(
            token: token.text,
            intents: configuration.intents.rawValue,
            gateway: gateway,
            timing: timing
        )
        while !Task.isCancelled, let url = machine?.url {
            let (code, reason) = await connection(to: url)
            guard !Task.isCancelled else { return }
            let now = loop.nowNanoseconds
            switch machine?.ended(code: code, now: now, random: Double.random(in: 0...1, using: &random)) {
            case .connect(_, let after):
                logger.info("Discord: the gateway is gone.", metadata: ["reason": "\(reason)"])
                report(.disconnected(reason))
                guard await loop.sleep(for: .nanoseconds(after)) else { return }
            case .stop(let error):
                logger.error("Discord: the gateway does not want the bot.", metadata: ["reason": "\(error)"])
                report(.ended(error))
                return
            case nil: return
            }
        }
    }

    /// Where sessions begin; nil when there is no hope.
    private func address() async -> String? {
        if let url = configuration.gatewayURL { return url }
        while !Task.isCancelled {
            do throws(DiscordError) {
                return try await rest.gateway()
            } catch {
                if [.unauthorized, .forbidden, .refused, .untrusted].contains(error.code) {
                    logger.error("Discord: the gateway is not to be had.", metadata: ["reason": "\(error)"])
                    report(.ended(error))
                    return nil
                }
                guard ![.cancelled, .closed].contains(error.code) else { return nil }
                report(.disconnected("\(error)"))
                guard await loop.sleep(for: configuration.maxReconnectPause / 4) else { return nil }
            }
        }
        return nil
    }

    /// One connection from its beginning to its end; the close code, if one came, and what there is to say.
    private func connection(to url: String) async -> (UInt16?, String) {
        var settings = WebSocketClient.Configuration()
        settings.authorities = configuration.authorities
        // Heartbeats find out who is gone.
        settings.pingInterval = nil
        settings.closeTimeout = .seconds(1)
        let socket: WebSocket
        do throws(WebSocketError) {
            socket = try await WebSocketClient.open(try WebSocketURL(url), on: loop, configuration: settings)
        } catch {
            return (nil, "\(error)")
        }
        machine?.opened(now: loop.nowNanoseconds)
        var reason = "the gateway closed the connection"
        await withDiscardingTaskGroup { group in
            group.addTask(executorPreference: loop) { await self.beat(on: socket) }
            do throws(WebSocketError) {
                for try await message in socket.messages { await take(message, on: socket) }
            } catch {
                reason = "\(error)"
            }
            group.cancelAll()
        }
        // At the end of the client the session ends as well; otherwise the connection is gone already.
        if Task.isCancelled { await socket.close(.normal) } else { await socket.abort() }
        let code = await socket.end?.code
        let isReal = code != .abnormal && code != .noStatus
        return (isReal ? code?.rawValue : nil, reason)
    }

    private func take(_ message: WebSocketMessage, on socket: WebSocket) async {
        let bytes: [UInt8]
        switch message {
        case .text(let text): bytes = Array(text.utf8)
        case .binary(let binary): bytes = binary
        }
        let jitter = Double.random(in: 0...1, using: &random)
        await perform(machine?.receive(bytes, now: loop.nowNanoseconds, random: jitter) ?? [], on: socket)
    }

    /// Does what is due when it is; looks twice a second, since what is received moves it.
    private func beat(on socket: WebSocket) async {
        while let deadline = machine?.deadline {
            let left = min(max(0, deadline - loop.nowNanoseconds), 500_000_000)
            guard await loop.sleep(for: .nanoseconds(left)) else { return }
            await perform(machine?.tick(now: loop.nowNanoseconds) ?? [], on: socket)
        }
    }

    private func perform(_ actions: [GatewayMachine.Action], on socket: WebSocket) async {
        for action in actions {
            switch action {
            // One that is not sent is followed by the connection's end.
            case .send(let text): try? await socket.send(text)
            case .report(let event):
                if case .ready = event { logger.info("Discord: a session has begun.") }
                report(event)
            case .disconnect(let code): await socket.close(WebSocketCloseCode(rawValue: code))
            }
        }
    }
}
