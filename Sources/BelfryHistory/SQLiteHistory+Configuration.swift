// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension SQLiteHistory {
    /// How a history is kept.
    ///
    /// Every default is stated here.
    public struct Configuration: Sendable, Hashable {
        /// What is kept of each room.
        public var retention = Retention()
        /// The file's largest size in bytes, without its log; nil for as large as the disk allows.
        ///
        /// Beyond it, the history is degraded.
        public var maxFileBytes: Int64?
        /// What a commit survives.
        public var synchronization = Synchronization.full
        /// How long messages that nobody waits for are gathered before they are committed together.
        public var gatherTime = Duration.milliseconds(5)
        /// Messages of one commit, at least 1.
        public var maxBatch = 2_048
        /// Messages that may wait to be stored while the disk is slow or gone; what comes then is not stored.
        public var maxPendingMessages = 262_144
        /// Bytes of payloads and events that may wait.
        public var maxPendingBytes = 64 * 1024 * 1024
        /// Rooms that the file may have; of what comes then nothing is stored.
        public var maxRooms = 1_048_576
        /// How long another process that has locked the file is waited for.
        public var lockTimeout = Duration.seconds(1)

        /// Makes a configuration with the defaults stated above.
        public init() {}
    }

    /// How much of each room is kept; the oldest messages go first.
    public struct Retention: Sendable, Hashable {
        /// Messages kept, at least 1.
        public var messages = 1_000_000
        /// Payload and event bytes kept.
        public var bytes: Int64 = 1024 * 1024 * 1024
        /// How long a message is kept; nil for as long as the other limits allow.
        public var age: Duration?

        /// Makes a retention; the defaults are 1,000,000 messages, 1 GiB and any age.
        public init(messages: Int = 1_000_000, bytes: Int64 = 1024 * 1024 * 1024, age: Duration? = nil) {
            self.messages = max(1, messages)
            self.bytes = max(1, bytes)
            self.age = age
        }
    }

    /// What a commit survives, as SQLite's `synchronous` says.
    public enum Synchronization: String, Sendable, Hashable {
        /// A power failure: each commit waits for the disk.
        case full = "FULL"
        /// The end of the process by whatever cause; a power failure may take the last commits, but leaves the file whole.
        case normal = "NORMAL"
    }
}
