// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Lives as long as somebody may still consume a queue.
@usableFromInline
final class QueueAnchor: Sendable {
    private let abandoned: @Sendable () -> Void

    init(_ abandoned: @escaping @Sendable () -> Void) { self.abandoned = abandoned }

    deinit { abandoned() }
}
