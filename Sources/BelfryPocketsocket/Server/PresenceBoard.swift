// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import BelfryIO

/// Tells a hub's clients who comes and goes.
///
/// Each change is one send to each client, so that of ten thousand clients that come one by one the last alone would
/// cost ten thousand sends. Where there are many, changes are told together, up to a tenth of a second later; before
/// any message in any case.
///
/// Loop-confined to the hub's home.
final class PresenceBoard {
    private let hub: String
    private let format: WebSocketFormat<VerbatimContent>
    private let trace: (@Sendable (PocketsocketTrace) -> Void)?
    private var waiting: [(text: [UInt8], session: SessionID)] = []
    private var told: (Int) -> Void = { _ in }
    private var isArmed = false

    /// Up to so many clients hear of each change at once.
    private static let smallHub = 256
    /// For each client in a large hub changes wait so long.
    private static let delayPerClient = Duration.microseconds(10)
    private static let maxDelay = Duration.milliseconds(100)

    init(
        hub: String,
        format: WebSocketFormat<VerbatimContent>,
        trace: (@Sendable (PocketsocketTrace) -> Void)?
    ) {
        self.hub = hub
        self.format = format
        self.trace = trace
    }

    /// Adds a change.
    ///
    /// - Parameters:
    ///   - text: What is told.
    ///   - session: Who is not told.
    ///   - context: The hub's home.
    ///   - told: Hears how many changes have been told.
    func add(_ text: [UInt8], about session: SessionID, on context: LoopContext, told: @escaping (Int) -> Void) {
        waiting.append((text, session))
        self.told = told
        let members = context.memberCount(of: hub)
        guard members > Self.smallHub else { return flush(on: context) }
        guard !isArmed else { return }
        isArmed = true
        context.loop.schedule(after: min(Self.delayPerClient * members, Self.maxDelay)) { [weak self, weak context] in
            guard let self, let context else { return }
            self.isArmed = false
            self.flush(on: context)
        }
    }

    /// Tells what waits.
    func flush(on context: LoopContext) {
        guard !waiting.isEmpty else { return }
        let changes = waiting
        waiting = []
        for (text, session) in changes {
            let isLeftOut = context.publishAtHome(format.frame(text), format: format, toOwn: hub, except: session)
            guard let trace else { continue }
            let receivers = context.memberCount(of: hub) - (isLeftOut ? 1 : 0)
            trace(.sent(String(decoding: text, as: UTF8.self), receivers: receivers))
        }
        told(changes.count)
    }
}
