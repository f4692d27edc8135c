// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
import BelfryIO
import Foundation
import Logging
public import ServiceLifecycle

/// Shows the active pairs of a chat box as rooms of a broker, so that clients of all protocols meet there.
///
///     let rooms = ChatBoxRooms(box, broker: broker)
///     try await rooms.run()
///
/// What either side says is published in the pair's room, as text, without an event. What sessions of the broker say
/// there becomes a message of one side, that of ``init(_:broker:speakingAs:roomName:)``, and is stored; what the process
/// itself publishes in the room does not. A pair's room is followed from its access to its deactivation.
public struct ChatBoxRooms<ID1: ServiceID, ID2: ServiceID>: Service, Sendable {
    private typealias Core = ChatBoxCore<ID1, ID2>

    private let core: Core
    private let broker: Broker
    private let side: SentBy
    private let roomName: @Sendable (ChatBox<ID1, ID2>.Connection) -> String
    private let origin = UInt64.random(in: 1 ... .max)

    /// Makes the link; it works while ``run()`` runs.
    ///
    /// - Parameters:
    ///   - chatBox: The box.
    ///   - broker: Whose rooms they are.
    ///   - side: Whose words are those of the rooms' sessions.
    ///   - roomName: The room of a pair; by default its uid. Files of the original have one uid for many pairs.
    public init(
        _ chatBox: ChatBox<ID1, ID2>,
        broker: Broker,
        speakingAs side: SentBy = .service2,
        roomName: @escaping @Sendable (ChatBox<ID1, ID2>.Connection) -> String = { $0.uid.serviceText }
    ) {
        core = chatBox.core
        self.broker = broker
        self.side = side
        self.roomName = roomName
    }

    /// Links the pairs that are active or become so, until the task is cancelled, the service group shuts down gracefully,
    /// or the box is closed.
    public func run() async throws {
        let (number, active, coming) = await core.follow()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for activation in active { group.addTask { await link(activation) } }
                do {
                    for try await delivery in coming {
                        guard case .element(let activation) = delivery else { continue }
                        group.addTask { await link(activation) }
                    }
                } catch {
                    // Cancelled.
                }
                group.cancelAll()
            }
        }
        await core.unfollow(number)
    }

    /// Carries messages both ways, until the pair is no longer active.
    private func link(_ activation: Core.Activation) async {
        let (connection, said) = (activation.connection, activation.messages)
        let id = side == .service1 ? connection.service1ID.serviceText : connection.service2ID.serviceText
        let key = IDKey(side, id)
        do {
            let room = try await broker.room(roomName(connection))
            let begin = await room.position ?? RoomPosition(epoch: room.epoch, offset: 0)
            let (_, heard) = await room.resume(after: begin)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await delivery in said {
                        guard case .element(let message) = delivery, message.origin != origin else { continue }
                        try await room.publish(.text(message.content))
                    }
                }
                group.addTask {
                    for try await delivery in heard {
                        guard case .message(let message) = delivery, message.sender != .server else { continue }
                        let text = RoomText.text(event: message.event, message.payload)
                        try await core.send(text, from: key, in: connection, origin: origin)
                    }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            guard !Task.isCancelled else { return }
            core.logger.warning("A pair's room is no longer followed", metadata: ["error": "\(error)"])
        }
    }
}
