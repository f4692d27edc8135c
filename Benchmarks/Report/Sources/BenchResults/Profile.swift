// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Where a server's CPU time went while it was under load, from samples of its call stacks.
public struct Profile: Codable, Equatable, Sendable {
    /// What the time was for, told by the functions on the stack.
    public enum Kind: String, Codable, CaseIterable, Sendable {
        /// Waking another thread, on the other core: the peer's that waits for the message.
        case waking
        /// Going to sleep and being woken.
        case sleeping
        /// The kernel's network: sockets, TCP, IP, the loopback device.
        case network
        /// Bytes copied between programs and the kernel, and within the program.
        case copying
        /// The rest of the kernel: its entry, io_uring, epoll, descriptors.
        case kernel
        /// Memory handed out and taken back.
        case allocator
        /// Reference counts, exclusivity checks and other calls of the Swift runtime.
        case runtime
        /// The program's own code.
        case own
    }

    /// A function by its share of the samples.
    public struct Function: Codable, Equatable, Sendable {
        /// Its name, as the profiler tells it.
        public var name: String
        /// Its share of all samples, without what it called.
        public var share: Double

        /// A function and its share.
        public init(name: String, share: Double) {
            self.name = name
            self.share = share
        }
    }

    /// The row's name.
    public var row: String
    /// The server's name.
    public var server: String
    /// How many samples were taken.
    public var samples: Int
    /// Shares by kind, by `Kind.rawValue`; together 1.
    public var shares: [String: Double]
    /// The hottest functions, the hottest first.
    public var functions: [Function]

    /// A profile of a row on a server from stacks; nil without samples.
    ///
    /// - Parameter stacks: What `perf script -F ip,sym,dso` prints: a block of lines per sample, the innermost function
    ///   first, blank lines between.
    public init?(row: String, server: String, stacks: String) {
        var counts: [Kind: Int] = [:]
        var names: [String: Int] = [:]
        var samples = 0
        var stack: [Frame] = []
        func take() {
            guard let leaf = stack.first else { return }
            samples += 1
            counts[Frame.kind(of: stack), default: 0] += 1
            names[leaf.name, default: 0] += 1
            stack.removeAll(keepingCapacity: true)
        }
        for line in stacks.split(separator: "\n", omittingEmptySubsequences: false) {
            if let frame = Frame(line) { stack.append(frame) } else { take() }
        }
        take()
        guard samples > 0 else { return nil }
        self.row = row
        self.server = server
        self.samples = samples
        shares = Dictionary(uniqueKeysWithValues: counts.map { ($0.rawValue, Double($1) / Double(samples)) })
        functions = names.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(12).map { name, count in
            Function(name: name, share: Double(count) / Double(samples))
        }
    }

    /// The share of a kind.
    public func share(_ kind: Kind) -> Double { shares[kind.rawValue] ?? 0 }
}

/// A line of a stack.
private struct Frame {
    let name: String
    let isKernel: Bool

    /// `ffffffff81e327be sock_def_readable ([kernel.kallsyms])`, or nil for a line that is none.
    init?(_ line: Substring) {
        let words = line.drop { $0 == " " || $0 == "\t" }.split(separator: " ", maxSplits: 1)
        guard words.count == 2, UInt64(words[0], radix: 16) != nil,
            let end = words[1].lastIndex(of: "(")
        else { return nil }
        let name = words[1][..<end].drop { $0 == " " }
        self.name = String(name.last == " " ? name.dropLast() : name)
        let object = words[1][end...]
        isKernel = object.hasPrefix("([kernel") || object.hasPrefix("([guest.kernel") || object.hasSuffix(".ko)")
    }

    /// What a whole stack, the innermost function first, was busy with.
    static func kind(of stack: [Frame]) -> Profile.Kind {
        guard let leaf = stack.first else { return .own }
        guard leaf.isKernel else { return leaf.userKind }
        let kernel = stack.prefix(while: \.isKernel).map(\.name)
        // A copy counts as one wherever it is done; the caller only says for whom.
        if let name = kernel.first, copies.contains(where: { name.contains($0) }) { return .copying }
        // The innermost that tells: a wake inside the network is a wake, the network inside a system call the network.
        for name in kernel {
            if wakes.contains(where: { name.hasPrefix($0) }) { return .waking }
            if sleeps.contains(where: { name.hasPrefix($0) }) { return .sleeping }
        }
        return kernel.contains { name in networks.contains { name.hasPrefix($0) } } ? .network : .kernel
    }

    private var userKind: Profile.Kind {
        if Self.allocators.contains(where: { name.hasPrefix($0) }) { return .allocator }
        if Self.runtimes.contains(where: { name.hasPrefix($0) }) { return .runtime }
        if name.contains("memmove") || name.contains("memcpy") { return .copying }
        return .own
    }

    private static let copies = ["copy_to_iter", "copy_from_iter", "rep_movs", "copy_user", "memcpy", "memmove"]
    // The sampler's interrupts wait while others are forbidden, so that a wake's time shows where its lock is given back.
    private static let wakes = [
        "try_to_wake_up", "ttwu_", "wake_up_process", "wake_up_q", "__wake_up", "ep_poll_callback", "sock_def_readable",
    ]
    private static let sleeps = ["schedule", "__schedule", "finish_task_switch"]
    private static let networks = [
        "tcp_", "__tcp_", "ip_", "__ip_", "sock_", "__sock", "inet", "net_rx_action", "__dev_queue", "skb_", "__skb",
        "__netif", "unix_", "__sys_send", "__sys_recv", "___sys_send", "udp_",
    ]
    private static let allocators = [
        "malloc", "_int_malloc", "_int_free", "free", "cfree", "calloc", "realloc", "swift_slowAlloc",
        "swift_slowDealloc", "swift_allocObject", "_swift_allocObject", "je_", "zmalloc", "zfree", "tcache",
        "unlink_chunk",
        "runtime.malloc", "runtime.gc", "runtime.scan", "runtime.grey", "runtime.sweep",
    ]
    private static let runtimes = ["swift_", "_swift_", "swift::", "__tls_get_addr", "runtime."]
}
