// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO

/// Enters a loop of a broker, to do something there and bring an answer back.
package actor LoopDoor: LoopBound {
    package nonisolated let loop: EventLoop
    private let box: LoopConfined<LoopContext>

    /// Names the loop by its number.
    package init(_ shared: BrokerShared, _ index: Int) {
        loop = shared.loops[index]
        box = shared.context(index)
    }

    /// Runs `body` on the loop.
    package func run<Answer: Sendable>(_ body: @Sendable (LoopContext) -> Answer) -> Answer { body(box.value) }
}

extension BrokerShared {
    /// Runs `body` with a connection, on its loop; nil when it has ended.
    package func withConnection<Answer: Sendable>(
        _ session: SessionID,
        _ body: @Sendable (Connection) -> Answer
    ) async -> Answer? {
        guard session.loop < loops.count else { return nil }
        return await LoopDoor(self, session.loop).run { context in context.connections[session].map(body) }
    }

    /// Lets what was published before arrive where it is sent from: from a client's loop it goes to the room's, and from
    /// there to the others'.
    func settle() async {
        for _ in 0..<2 {
            for index in loops.indices { await LoopDoor(self, index).run { $0.settle() } }
        }
    }

    /// Runs `body` with every connection of a front-end, loop by loop, behind what was published before.
    package func forEachConnection(of frontEnd: String, _ body: @escaping @Sendable (Connection) -> Void) async {
        await settle()
        for index in loops.indices {
            await LoopDoor(self, index).run { context in
                for connection in context.connections.values where connection.frontEnd.name == frontEnd {
                    body(connection)
                }
            }
        }
    }

    /// A number that no other part of this broker gets.
    package func uniqueNumber() -> UInt64 { nextNumber() }

    /// The session that a private room belongs to.
    package func owner(of room: String) async -> SessionID? {
        await LoopDoor(self, home(of: room)).run { $0.rooms[room]?.owner }
    }
}
