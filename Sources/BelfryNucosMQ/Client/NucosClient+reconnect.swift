// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Logging

// Coming back after a loss.
extension NucosClient {
    /// There is no connection any more: tries to get another, or ends what waits for messages.
    func lost(_ disconnection: NucosDisconnection) {
        let pause = pauseBeforeReconnect(after: disconnection)
        var disconnection = disconnection
        disconnection.willReconnect = pause != nil
        logger.info("The connection ended.", metadata: ["reason": "\(disconnection)"])
        inbox.value.tell(.disconnected(disconnection))
        guard let pause else {
            rooms = []
            return inbox.value.end(disconnection)
        }
        let loop = loop
        // Holds the client only while it tries: one that nobody else holds is to end.
        reconnecting = Task(executorPreference: loop) { [weak self] in
            var next: Duration? = pause
            while let pause = next, !Task.isCancelled {
                guard await loop.sleep(for: pause) else {
                    guard !Task.isCancelled else { return }
                    await self?.giveUp(because: "the event loop stopped")
                    return
                }
                next = await self?.tryAgain()
            }
        }
    }

    /// One attempt; the pause before the next one, nil after a success or for giving up.
    private func tryAgain() async -> Duration? {
        do throws(IOError) {
            try await connect()
            return nil
        } catch {
            guard !Task.isCancelled, configuration.reconnect != nil else { return nil }
            if let pause = pauseBeforeReconnect(after: NucosDisconnection(.failed, error.message)) { return pause }
            giveUp(because: error.message)
            return nil
        }
    }

    private func giveUp(because reason: String) {
        logger.warning("The client gives up.", metadata: ["reason": "\(reason)"])
        let disconnection = NucosDisconnection(.failed, reason)
        rooms = []
        inbox.value.tell(.disconnected(disconnection))
        inbox.value.end(disconnection)
    }

    private func pauseBeforeReconnect(after disconnection: NucosDisconnection) -> Duration? {
        guard let policy = configuration.reconnect, disconnection.code != .closed, disconnection.code != .refused else {
            return nil
        }
        defer { attempts += 1 }
        var random = SystemRandomNumberGenerator()
        return policy.pause(before: attempts, using: &random)
    }

    /// Subscribes; from where it was, if the client asks for that.
    func join(_ room: String, on connection: NucosClientConnection) {
        let frame =
            configuration.asksForPositions
            ? NucosEncoder.subscription(room, resume: inbox.value.positions[room]?.token ?? "")
            : NucosEncoder.frame(event: "subscripe", text: room)
        connection.write(frame.span)
    }
}
