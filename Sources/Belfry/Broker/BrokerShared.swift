// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO
package import Logging
import Synchronization

/// What all loops of a broker share: immutable, or counted atomically.
package final class BrokerShared: Sendable {
    package let configuration: BrokerConfiguration
    package let logger: Logger
    let keepsHistory: Bool
    let counters = BrokerCounters()
    let frameMemory = MemoryMeter()
    let addresses: AddressLimit
    let group: EventLoopGroup
    /// By loop index; set once before the broker is handed out.
    private let contextBoxes = Lock<[UnownedContextBox]>([])
    private let ordinals = Lock<[String: Int]>([:])
    /// Begins anywhere: who resumes after a restart leaves out what its session said, and a session of now must not have
    /// the number of one of before.
    private let lastNumber = Atomic<UInt64>(UInt64.random(in: 0..<1 << 40) << 15)

    init(configuration: BrokerConfiguration, logger: Logger, group: EventLoopGroup) {
        self.configuration = configuration
        self.logger = logger
        keepsHistory = configuration.history.isKept || configuration.store != nil
        self.group = group
        addresses = AddressLimit(limit: configuration.limits.maxConnectionsPerAddress)
    }

    /// How many times something of a kind was asked for before: the same in each run of a program.
    package func ordinal(of kind: String) -> Int {
        ordinals.withLock { ordinals in
            ordinals[kind, default: 0] += 1
            return ordinals[kind, default: 1] - 1
        }
    }

    /// The loops, by their numbers.
    package var loops: [EventLoop] { group.loops }

    var statistics: BrokerStatistics {
        var statistics = counters.snapshot
        statistics.frameLogBytes = frameMemory.bytes
        return statistics
    }

    func setContexts(_ boxes: [ContextBox]) { contextBoxes.withLock { $0 = boxes.map(UnownedContextBox.init) } }

    /// The context of a loop; its value is for that loop only.
    package func context(_ index: Int) -> LoopConfined<LoopContext> { contextBoxes.withLock { $0[index].box.context } }

    /// A number that was never given before.
    func nextNumber() -> UInt64 { lastNumber.add(1, ordering: .relaxed).newValue }

    /// The loop that orders a room: the same for one name as long as the broker lives.
    package func home(of room: String) -> Int {
        guard loops.count > 1 else { return 0 }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in room.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return Int(hash % UInt64(loops.count))
    }
}

/// Holds a loop's context: held itself by the loop while it runs, and by the broker.
///
/// What all loops share refers to it without holding it, since every context holds what is shared.
final class ContextBox: Sendable {
    let context: LoopConfined<LoopContext>

    init(_ context: LoopConfined<LoopContext>) { self.context = context }
}

private struct UnownedContextBox: Sendable {
    unowned let box: ContextBox
}
