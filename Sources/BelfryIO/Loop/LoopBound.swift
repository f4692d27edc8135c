// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// An actor that lives on one event loop: code on that loop enters it without a hop.
///
/// Conforming is all it takes; the extension supplies the executor.
public protocol LoopBound: Actor {
    /// The loop whose thread runs the actor.
    nonisolated var loop: EventLoop { get }
}

extension LoopBound {
    /// The loop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }
}
