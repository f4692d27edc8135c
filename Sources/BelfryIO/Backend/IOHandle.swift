// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Names one open socket of one loop.
///
/// A handle is a slot and the generation of what lives there, so a handle kept past its close never names the slot's
/// next tenant: operations on it do nothing. Only the loop that made a handle understands it.
public struct IOHandle: Hashable, Sendable {
    let slot: UInt32
    let generation: UInt32

    init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    /// A handle that names nothing.
    package static let none = IOHandle(slot: .max, generation: 0)
}
