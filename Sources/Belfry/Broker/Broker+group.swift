// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO

extension Broker {
    /// The loops, for clients that share them; they end with the broker.
    package nonisolated var group: EventLoopGroup { shared.group }
}
