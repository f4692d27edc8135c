// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A value that is not `Sendable` but belongs to one loop, so that `Sendable` things may refer to it.
///
/// `value` traps off the loop: this is a programming error, never a consequence of input.
// Safe because every access checks that it runs on the owning loop's thread, and the initialiser takes the value over
// (`sending`): nobody else can reach it.
package struct LoopConfined<Value>: @unchecked Sendable {
    private let loop: EventLoop
    private let stored: Value

    /// Confines a value to a loop.
    package init(_ value: sending Value, to loop: EventLoop) {
        self.loop = loop
        stored = value
    }

    /// Wraps a value that is on the loop already, being reachable only from there; traps elsewhere.
    package init(onLoop value: Value, _ loop: EventLoop) {
        loop.preconditionOnLoop()
        self.loop = loop
        stored = value
    }

    /// The value; on the owning loop only.
    package var value: Value {
        loop.preconditionOnLoop()
        return stored
    }
}
