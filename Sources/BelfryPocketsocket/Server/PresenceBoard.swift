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
    private var waiting: [(text: [UInt8], receivers: Int)] = []
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

    /// Changes that are not told yet: the hub's next messages.
    var waitingCount: Int { waiting.count }

    /// Adds a change.
    ///
    /// - Parameters:
    ///   - text: What is told.
    ///   - context: The hub's home.
    func add(_ text: [UInt8], on context: LoopContext) {
        let members = context.memberCount(of: hub)
        waiting.append((text, members))
        guard members > Self.smallHub else { return flush(on: context) }
        guard waiting.count == 1 else { return }
        // Before any message, so that who speaks has been announced. The context is held, for a moment: a weak reference
        // would make every later use of it slow.
        context.beforeNextMessage(of: hub) { [weak self] in self?.flush(on: context) }
        guard !isArmed else { return }
        isArmed = true
        context.loop.schedule(after: min(Self.delayPerClient * members, Self.maxDelay)) { [weak self] in
            guard let self else { return }
            self.isArmed = false
            self.flush(on: context)
        }
    }

    /// Tells what waits.
    private func flush(on context: LoopContext) {
        let changes = waiting
        waiting = []
        for (text, receivers) in changes {
            context.publish(format.frame(text), format: format, toOwn: hub)
            trace?(.sent(String(decoding: text, as: UTF8.self), receivers: receivers))
        }
    }
}
