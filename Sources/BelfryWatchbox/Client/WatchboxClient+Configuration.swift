// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension WatchboxClient {
    /// How a client behaves, with every default.
    public struct Configuration: Sendable {
        /// How long to wait after an answer without a message before the next question, without long polling.
        public var pollInterval = Duration.milliseconds(100)
        /// How long the server may hold a question until there is a message; zero does without long polling.
        ///
        /// An original server does not hold it, which the client finds out by itself.
        public var longPollWait = Duration.seconds(25)
        /// Messages that one answer to a long poll may have, at least 1.
        public var maxBatch = 64
        /// Whether the client, registered anew, asks for what it missed in its groups.
        ///
        /// A server that knows nothing of it goes on as ever. What is missing all the same is told as `Event.gap`. Its own messages may be among what comes.
        public var resumes = true
        /// How long after a failure the client registers again, and between attempts.
        public var retryInterval = Duration.seconds(1)
        /// After how long without a question the server drops a client (its `timeout`); three times as often the client
        /// reports at least.
        public var serverTimeout = Duration.seconds(10)
        /// How long connecting may take, with looking the name up.
        public var connectTimeout = Duration.seconds(10)
        /// How long an answer may take, beyond what the server was allowed to hold the question.
        public var requestTimeout = Duration.seconds(10)
        /// Messages that wait to be sent, as before the client is registered; at least 1.
        public var maxQueuedMessages = 1_000
        /// The same in bytes; one message of any allowed size is taken when nothing else waits.
        public var maxQueuedBytes = 4 * 1024 * 1024
        /// Bytes of one message to send, as JSON; a server may take less, and refuses then.
        public var maxMessageBytes = 1024 * 1024
        /// Bytes of one answer.
        public var maxAnswerBytes = 4 * 1024 * 1024

        /// Makes a configuration with the defaults stated above.
        public init() {}
    }
}
