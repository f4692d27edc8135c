// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension Queue {
    /// The bounds of a queue and what happens past them.
    public struct Configuration: Sendable {
        /// The most elements that wait; below 1 means 1.
        public var limit: Int
        /// The most bytes that wait, as `size` counts them; `nil` means any number, below 0 means 0.
        ///
        /// An element that alone is bigger is refused. Without `size` nothing is counted.
        public var maxBytes: Int?
        /// How many bytes an element counts; below 0 means 0.
        ///
        /// Called once per element on the producer's thread.
        public var size: (@Sendable (Value) -> Int)?
        /// How long an element may wait; `nil` means for ever.
        public var timeToLive: Duration?
        /// What happens when an element comes and there is no room.
        public var policy: OverflowPolicy
        /// What an element is a value of, for ``OverflowPolicy/latestPerKey`` alone.
        ///
        /// Called once per element on the producer's thread. Without it all elements have the same key.
        public var key: (@Sendable (Value) -> any Hashable & Sendable)?
        /// The clock of the time to live; read once when the queue is made, then only if there is one.
        public var now: @Sendable () -> ContinuousClock.Instant

        /// Creates a configuration; what is left out has the value shown.
        public init(
            limit: Int = 50,
            maxBytes: Int? = nil,
            size: (@Sendable (Value) -> Int)? = nil,
            timeToLive: Duration? = nil,
            policy: OverflowPolicy = .dropOldest,
            key: (@Sendable (Value) -> any Hashable & Sendable)? = nil,
            now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
        ) {
            self.limit = limit
            self.maxBytes = maxBytes
            self.size = size
            self.timeToLive = timeToLive
            self.policy = policy
            self.key = key
            self.now = now
        }

        var limits: QueueLimits {
            QueueLimits(
                count: Swift.max(1, limit),
                bytes: maxBytes.map { Swift.max(0, $0) } ?? Int.max,
                timeToLive: timeToLive,
                policy: policy
            )
        }
    }
}
