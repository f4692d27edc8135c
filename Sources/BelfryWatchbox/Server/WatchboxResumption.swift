// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO
import HTTPTypes

/// A join of a client that wants to know where it stands, and what it missed since it was here.
///
/// The answer is that of every join, with the fields `X-Watchbox-Position` (`<epoch>.<offset>` of the first message that
/// comes), `X-Watchbox-Recovered` and `X-Watchbox-Lost` (how many are missing, empty where nobody knows). What it missed
/// comes with the next questions, as far as the list's limit allows.
///
/// Loop-confined to its connection's loop.
final class WatchboxResumption: HeldRequest {
    private let shared: WatchboxShared
    private let context: LoopContext
    private let home: Int
    private let join: @Sendable (LoopContext) -> (isNew: Bool, response: Response)
    private var client: ClientID?
    private var group = ""
    private var next: RoomPosition?
    private var answer: ((Response) -> Void)?

    init(
        _ shared: WatchboxShared,
        from context: LoopContext,
        to home: Int,
        join: @escaping @Sendable (LoopContext) -> (isNew: Bool, response: Response)
    ) {
        self.shared = shared
        self.context = context
        self.home = home
        self.join = join
    }

    /// Who asks for what.
    func set(_ client: ClientID, _ group: String, from next: RoomPosition?) {
        self.client = client
        self.group = group
        self.next = next
    }

    func begin(_ answer: @escaping (Response) -> Void) {
        self.answer = answer
        guard let client else { return }
        let box = LoopConfined(onLoop: self, context.loop)
        let (shared, join, group, next, back) = (shared, join, group, next, context.index)
        context.toLoop(home) { there in
            let (isNew, response) = join(there)
            guard let (entry, end) = shared.hub(of: there).resume(client, group, on: there) else {
                return there.toLoop(back) { _ in box.value.finish(response) }
            }
            let (room, limit) = (entry.room, shared.settings.listLimit)
            // A member that is still one has its place, and everything from there on.
            let from = isNew ? next : nil
            let (loop, index) = (there.loop, there.index)
            Task(executorPreference: loop) {
                let past = await room.past(from: from, before: end, limit: max(1, limit))
                await LoopDoor(shared.broker, index).run { there in
                    Self.replay(past.messages, to: client, group, shared, on: there)
                    there.toLoop(back) { _ in box.value.finish(response.standing(past, before: end)) }
                    there.settle()
                }
            }
        }
    }

    private static func replay(
        _ messages: [Message],
        to client: ClientID,
        _ group: String,
        _ shared: WatchboxShared,
        on context: LoopContext
    ) {
        let entries = messages.compactMap { message in
            MessageText.json(event: message.event, message.payload).map {
                WatchboxGroup.Entry(json: $0, sender: nil, time: context.turnTime, offset: message.offset)
            }
        }
        shared.hub(of: context).resume(client, group, on: context)?.group.replay(entries, to: client)
    }

    private func finish(_ response: Response) { answer.take()?(response) }

    /// It is on its way.
    func release() {}
}

extension Response {
    /// The answer with where the client stands.
    fileprivate func standing(_ past: RoomPastPage, before end: UInt64) -> Response {
        var response = self
        let offset = past.messages.first?.offset ?? end
        response.fields[.watchboxPosition] = RoomPosition(epoch: past.epoch, offset: offset).token
        response.fields[.watchboxRecovered] = "\(past.isRecovered)"
        response.fields[.watchboxLost] = past.lost.map { "\($0)" } ?? ""
        return response
    }
}

extension HTTPField.Name {
    private static func named(_ name: String) -> HTTPField.Name { HTTPField.Name(name) ?? .server }

    /// Where a client stands in a group.
    static let watchboxPosition = named("X-Watchbox-Position")
    /// Whether nothing is missing.
    static let watchboxRecovered = named("X-Watchbox-Recovered")
    /// How many messages are missing.
    static let watchboxLost = named("X-Watchbox-Lost")
}
