// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO

/// A message for a client.
struct WatchboxFound: Sendable {
    let group: String
    let json: [UInt8]
    /// Where it stands in its room; nil for a reply.
    let offset: UInt64?
}

/// A `get` that is not answered at once: its groups are at home on other loops, or it waits for a message.
///
/// Loop-confined to its connection's loop. It visits the homes of its groups one after the other, taking what is there;
/// when there is nothing, it has left its number at each, is woken, and visits them again.
final class WatchboxPoll: HeldRequest {
    /// What it wants.
    struct Question: Sendable {
        let client: ClientID
        let groups: [String]
        /// How long it may wait, in milliseconds.
        let wait: Int
        /// The most messages; nil for one, as it is.
        let batch: Int?
        /// Whether messages of a batch say where they stand.
        let wantsPositions: Bool

        /// The same with another group first: one that always has something must not keep a batch from the others.
        func rotated(by count: UInt64) -> Question {
            guard batch != nil, groups.count > 1 else { return self }
            let start = Int(count % UInt64(groups.count))
            let rotated = Array(groups[start...] + groups[..<start])
            return Question(
                client: client,
                groups: rotated,
                wait: wait,
                batch: batch,
                wantsPositions: wantsPositions
            )
        }
    }

    /// On its way from home to home.
    struct Visit: Sendable {
        let question: Question
        let waiter: WatchboxClients.Waiter
        let waits: Bool
        /// The group that is next.
        var next = 0
        var found: [WatchboxFound] = []
        var bytes = 0
        var isMember = true

        /// Whether there is no more to be taken.
        var isFull: Bool { found.count >= max(1, question.batch ?? 1) || bytes >= WatchboxPoll.maxBytes }
    }

    private let question: Question
    private let shared: WatchboxShared
    private let context: LoopContext
    private let waiter: WatchboxClients.Waiter
    private var answer: ((Response) -> Void)?
    private var timer: TimerID?
    private var isVisiting = false
    private var wasWoken = false
    private var isOver = false

    /// Bytes of messages beyond which no further one is added to a batch.
    static let maxBytes = 1024 * 1024

    init(_ question: Question, _ shared: WatchboxShared, on context: LoopContext) {
        self.shared = shared
        self.context = context
        waiter = WatchboxClients.Waiter(number: shared.broker.uniqueNumber(), loop: context.index)
        self.question = question.rotated(by: waiter.number)
    }

    // MARK: HeldRequest

    func begin(_ answer: @escaping (Response) -> Void) {
        self.answer = answer
        shared.hub(of: context).polls[waiter.number] = self
        _ = shared.clients.change(question.client) { $0.held += 1 }
        if question.wait > 0 {
            timer = context.loop.schedule(after: .milliseconds(question.wait)) { [weak self] in self?.release() }
        }
        visit()
    }

    func release() {
        isOver = true
        // What a visit has found is still sent, unless it may never come back.
        guard !isVisiting || context.isStopped else { return }
        finish(WatchboxCode.nothing.response)
    }

    // MARK: Visits

    /// There may be something.
    func retry() {
        guard answer != nil else { return }
        guard !isVisiting else { return wasWoken = true }
        visit()
    }

    private func visit() {
        isVisiting = true
        wasWoken = false
        shared.visit(Visit(question: question, waiter: waiter, waits: question.wait > 0), on: context)
    }

    /// A visit is back.
    func visited(_ visit: Visit) {
        isVisiting = false
        if question.batch != nil, !visit.found.isEmpty {
            finish(WatchboxCode.response(MessageText.batch(visit.found, withPositions: question.wantsPositions)))
        } else if let first = visit.found.first {
            finish(WatchboxCode.response(first.json))
        } else if !visit.isMember {
            finish(WatchboxCode.noMember.response)
        } else if isOver || question.wait <= 0 {
            finish(WatchboxCode.nothing.response)
        } else if wasWoken {
            self.visit()
        }
    }

    private func finish(_ response: Response) {
        guard let answer = self.answer.take() else { return }
        context.loop.cancel(timer)
        shared.hub(of: context).polls[waiter.number] = nil
        let now = context.turnTime
        let waiter = self.waiter
        _ = shared.clients.change(question.client) {
            $0.held -= 1
            $0.lastSeen = max($0.lastSeen, now)
            $0.waiters.removeAll { $0 == waiter }
        }
        if question.wait > 0 { shared.removeWaiter(waiter, from: question.groups, context) }
        answer(response)
    }
}
