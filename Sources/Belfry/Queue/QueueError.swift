// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Why a queue ended, or why it could not take an element or serve a consumer.
public struct QueueError: Error, Sendable {
    /// What went wrong; an open set, so new codes don't break a `switch` with a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case closed, tooLarge, slowConsumer, cancelled, consumerBusy, failed
        }

        private let value: Value

        /// The queue is closed and takes nothing any more.
        public static let closed = Code(value: .closed)
        /// The element alone is bigger than the queue's byte limit.
        public static let tooLarge = Code(value: .tooLarge)
        /// The consumer fell behind the limit of a queue with the policy ``OverflowPolicy/disconnect``.
        public static let slowConsumer = Code(value: .slowConsumer)
        /// The task was cancelled while it waited.
        public static let cancelled = Code(value: .cancelled)
        /// A second task asked for an element while one was waiting: a queue serves one consumer at a time.
        public static let consumerBusy = Code(value: .consumerBusy)
        /// The owner of the queue ended it because something else failed; see ``QueueError/cause``.
        public static let failed = Code(value: .failed)

        /// The code's name.
        public var description: String { value.rawValue }
    }

    /// What went wrong.
    public let code: Code
    /// A sentence for a person who reads a log.
    public let message: String
    /// The error behind this one.
    public let cause: (any Error)?
    /// File of the code that made the error.
    public let file: StaticString
    /// Line in ``file``.
    public let line: UInt

    /// Creates an error, usually to end a queue with ``Queue/fail(_:)``.
    public init(
        _ code: Code,
        message: String,
        cause: (any Error)? = nil,
        file: StaticString = #fileID,
        line: UInt = #line
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.file = file
        self.line = line
    }
}

extension QueueError: CustomStringConvertible {
    /// Code, message, cause and origin in one line.
    public var description: String {
        let because = cause.map { ", because of: \($0)" } ?? ""
        return "queue \(code): \(message)\(because) (\(file):\(line))"
    }
}

extension QueueError {
    /// What a producer is told whose element was refused for `reason`.
    @usableFromInline
    init(_ reason: QueueRefusal) {
        switch reason {
        case .closed: self.init(.closed, message: "the queue is closed")
        case .tooLarge: self.init(.tooLarge, message: "the element is bigger than the queue's byte limit")
        case .full, .slowConsumer:
            self.init(.slowConsumer, message: "the queue's consumer fell behind the limit")
        }
    }
}
