// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Logging

/// The callbacks of a client: several per verb, run one after the other, in order, off the event loop.
final class ClientCallbacks: Sendable {
    /// What runs for an event.
    typealias Callback = @Sendable (ClientEvent) async throws -> Void

    private let callbacks = Lock<[(verb: Verb, callback: Callback)]>([])
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    func add(_ verb: Verb, _ callback: @escaping Callback) {
        callbacks.withLock { $0.append((verb, callback)) }
    }

    /// Runs until the news end, or the task is cancelled.
    func run(_ news: Queue<ClientNews>) async {
        do {
            for try await delivery in news {
                guard case .element(let news) = delivery else { continue }
                await call(news.event)
                news.done?()
            }
        } catch {
            // Cancelled with its client.
            return
        }
    }

    private func call(_ event: ClientEvent) async {
        let verb = event.verb
        for (wanted, callback) in callbacks.withLock({ $0 }) where wanted == verb {
            do {
                try await callback(event)
            } catch {
                logger.error("A callback failed", metadata: ["verb": "\(verb)", "error": "\(error)"])
            }
        }
    }

    /// Whether there is one for this verb.
    func hears(_ verb: Verb) -> Bool {
        callbacks.withLock { $0.contains { $0.verb == verb } }
    }
}
