// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOWebSocket

/// Every client there is, by event loop.
struct Hub: Sendable {
    /// The clients of one event loop; only touched there.
    final class Ring {
        private var members: [Member] = []

        func insert(_ member: Member) {
            member.place = members.count
            members.append(member)
        }

        func remove(_ member: Member) {
            guard let place = member.place else { return }
            member.place = nil
            guard let last = members.popLast(), last !== member else { return }
            members[place] = last
            last.place = place
        }

        /// Writes to every other member, flushing once.
        func send(_ messages: [ByteBuffer], from sender: Member?) {
            for member in members where member !== sender {
                for message in messages {
                    member.write(WebSocketFrame(fin: true, opcode: .text, data: message))
                }
                member.flush()
            }
        }
    }

    private let rings: [NIOLoopBound<Ring>]

    init(_ group: any EventLoopGroup) async throws {
        var rings: [NIOLoopBound<Ring>] = []
        for loop in group.makeIterator() {
            rings.append(try await loop.submit { NIOLoopBound(Ring(), eventLoop: loop) }.get())
        }
        self.rings = rings
    }

    /// The clients of an event loop, to be asked for there.
    func ring(of loop: any EventLoop) -> Ring? {
        rings.first { $0.eventLoop === loop }?.value
    }

    /// Gives messages to every client but their sender.
    func send(_ messages: [ByteBuffer], from sender: Member, on loop: any EventLoop) {
        for ring in rings {
            if ring.eventLoop === loop {
                ring.value.send(messages, from: sender)
            } else {
                ring.eventLoop.execute { ring.value.send(messages, from: nil) }
            }
        }
    }
}
