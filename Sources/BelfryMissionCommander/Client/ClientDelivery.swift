// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Logging

/// Hands a client's events to all who listen, in order; waits where a listener has no room for a message.
///
/// Loop-confined.
final class ClientDelivery {
    /// Events besides messages that may wait behind a message that has no room.
    private static let maxWaiting = 1_024

    let outlets = ClientOutlets()
    private let loop: EventLoop
    private let logger: Logger
    private var waiting: [ClientNews] = []
    /// Waits for room in one listener's queue.
    private var wait: Task<Void, Never>?
    /// Called when all that waited has been handed over.
    var resumed: () -> Void = {}

    init(loop: EventLoop, logger: Logger) {
        self.loop = loop
        self.logger = logger
    }

    /// Whether a listener has no room: give no further messages until `resumed` is called.
    var isBlocked: Bool { wait != nil }

    func deliver(_ news: ClientNews) {
        guard !isBlocked else {
            guard waiting.count < Self.maxWaiting || news.event.verb == .message else {
                logger.warning("Events are lost: nobody takes them", metadata: ["verb": "\(news.event.verb)"])
                news.done?()
                return
            }
            waiting.append(news)
            return
        }
        offer(news, after: 0)
    }

    private func offer(_ news: ClientNews, after last: UInt64) {
        guard let (number, outlet) = outlets.deliver(news, after: last) else { return }
        let delivery = LoopConfined(onLoop: self, loop)
        wait = Task(executorPreference: loop) {
            await outlet.offerWaiting(news)
            guard !Task.isCancelled else { return }
            delivery.value.goOn(news, after: number)
        }
    }

    private func goOn(_ news: ClientNews, after last: UInt64) {
        wait = nil
        offer(news, after: last)
        var next = 0
        while !isBlocked, next < waiting.count {
            offer(waiting[next], after: 0)
            next += 1
        }
        waiting.removeFirst(next)
        if !isBlocked { resumed() }
    }

    /// Lets go of everything; nothing is delivered any more.
    func close() {
        wait?.cancel()
        waiting = []
        outlets.closeAll()
    }
}
