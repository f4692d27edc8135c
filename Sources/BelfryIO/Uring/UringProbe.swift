// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#if Uring
import CLiburing
import CLinux
import Glibc

/// Finds out what a kernel can do by having it done: versions and flags say less than a try.
enum UringProbe {
    static func run() -> Result<IOCapabilities, IOError> {
        do throws(IOError) {
            let ring = try UringRing(entries: 8)
            let pool = try BufferPool(slotBytes: 4096, slotCount: 4)
            try ring.register(pool, shared: false)
            ring.returnBuffers()
            guard try receivesRepeatedly(ring) else {
                throw IOError(.unavailable, "this kernel has no multishot receive for io_uring (Linux 6.0)")
            }
            var features = ["multishot accept", "multishot receive", "provided buffer ring"]
            if try sharesBuffers() { features.append("shared receive buffers") }
            if ring.defersTasks { features.append("deferred task run") }
            if completesSendsAtOnce(ring) { features.append("completion-free send") }
            return .success(IOCapabilities(backend: .uring, features: features))
        } catch {
            return .failure(error)
        }
    }

    /// Why the kernel refuses a ring, in words that help.
    static func refusal(_ number: Int32, _ doing: String = "set up io_uring") -> IOError {
        switch number {
        case ENOSYS: IOError(.unavailable, "this kernel has no io_uring, or hides it")
        case EPERM: IOError(.notPermitted, "io_uring is forbidden here: \(prohibition())")
        case ENOMEM: IOError(.outOfMemory, "io_uring may not lock enough memory (RLIMIT_MEMLOCK, ulimit -l)")
        case EINVAL: IOError(.unavailable, "this kernel's io_uring is too old: \(doing): \(systemMessage(number))")
        default: IOError(errno: number, doing)
        }
    }

    private static func prohibition() -> String {
        let file = unsafe open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "a seccomp profile, as container runtimes set" }
        let descriptor = Descriptor(file)
        var digit: UInt8 = 0
        _ = unsafe read(descriptor.number, &digit, 1)
        return digit == UInt8(ascii: "0")
            ? "a seccomp profile, as container runtimes set" : "kernel.io_uring_disabled is \(digit &- 48)"
    }

    /// One receive that goes on after it brought a byte in a buffer of the ring.
    private static func receivesRepeatedly(_ ring: UringRing) throws(IOError) -> Bool {
        let pair = try SocketPair()
        guard prepareReceive(ring, pair) else { return false }
        var byte: UInt8 = 1
        _ = unsafe Glibc.send(pair.far.number, &byte, 1, Int32(MSG_NOSIGNAL))
        var found = false
        var isOver = false
        // Bounded: a receive that works ends when the peer does.
        for round in 0..<8 where !isOver {
            if round == 1 { _ = shutdown(pair.far.number, Int32(SHUT_WR)) }
            ring.enter(waiting: 100_000_000)
            for completion in take(ring) {
                if completion.result == 1, completion.hasMore, completion.buffer != nil { found = true }
                if !completion.hasMore { isOver = true }
            }
        }
        return found
    }

    /// Whether a send without waiting that was done in full posts nothing, and one cut short posts what it took, both
    /// before the kernel returns from the submission.
    static func completesSendsAtOnce(_ ring: UringRing) -> Bool {
        guard let pair = try? SocketPair() else { return false }
        Socket.set(pair.near, SOL_SOCKET, SO_SNDBUF, 4096)
        let bytes = [UInt8](repeating: 0, count: 256 * 1024)
        return unsafe bytes.withUnsafeBytes { bytes in
            var answers: [[UringCompletion]] = []
            for count in [1, bytes.count] {
                guard let entry = unsafe ring.entry() else { return false }
                unsafe io_uring_prep_send(entry, pair.near.number, bytes.baseAddress, count, UringFlags.sendAtOnce)
                unsafe entry.pointee.flags = UringFlags.skipSuccess
                unsafe entry.pointee.user_data = 1
                ring.enter(waiting: 0)
                answers.append(take(ring))
            }
            guard answers[0].isEmpty, answers[1].count == 1, let short = answers[1].first?.result else { return false }
            var queued: Int32 = 0
            guard unsafe ioctl(pair.far.number, UInt(FIONREAD), &queued) == 0 else { return false }
            return short > 0 && Int(short) < bytes.count && queued == short + 1
        }
    }

    private static func sharesBuffers() throws(IOError) -> Bool {
        let ring = try UringRing(entries: 8)
        let pool = try BufferPool(slotBytes: 4096, slotCount: 4)
        try ring.register(pool, shared: true)
        return ring.sharesBuffers && rewinds(ring, pool)
    }

    /// Whether the kernel puts the next bytes behind the last ones, and where it is told to start anew, there.
    static func rewinds(_ ring: UringRing, _ pool: BufferPool) -> Bool {
        guard let pair = try? SocketPair() else { return false }
        ring.returnBuffers()
        guard prepareReceive(ring, pair) else { return false }
        var places: [Int] = []
        var isRight = true
        var isOver = false
        for byte in 1...UInt8(4) where !isOver {
            // The last is the end of the stream.
            if byte < 4 {
                var byte = byte
                _ = unsafe Glibc.send(pair.far.number, &byte, 1, Int32(MSG_NOSIGNAL))
            } else {
                _ = shutdown(pair.far.number, Int32(SHUT_WR))
            }
            ring.enter(waiting: 1_000_000_000)
            for completion in take(ring) {
                isOver = !completion.hasMore
                guard let buffer = completion.buffer else { continue }
                let count = Int(max(completion.result, 0))
                let start = pool.noteFilled(buffer, count: count, isDone: !completion.keepsBuffer)
                let lease = BufferLease(pool: pool, id: buffer, start: start, count: count)
                lease.withBytes { if $0.count != 1 || $0[0] != byte { isRight = false } }
                places.append(start)
            }
            if byte > 1 { ring.rewindBuffers() }
        }
        return isRight && isOver && places == [0, 1, 0]
    }

    /// A receive that goes on, into buffers of the ring; false when the queue takes none.
    private static func prepareReceive(_ ring: UringRing, _ pair: borrowing SocketPair) -> Bool {
        guard let entry = unsafe ring.entry() else { return false }
        unsafe io_uring_prep_recv_multishot(entry, pair.near.number, nil, 0, 0)
        unsafe entry.pointee.flags = UringFlags.bufferSelect
        unsafe entry.pointee.buf_group = 0
        unsafe entry.pointee.user_data = 1
        return true
    }

    private static func take(_ ring: UringRing) -> [UringCompletion] {
        let count = ring.readyCount
        defer { ring.advance(count) }
        return (0..<count).map { ring.completion($0) }
    }

    /// Two connected stream sockets.
    private struct SocketPair: ~Copyable {
        let near: Descriptor
        let far: Descriptor

        init() throws(IOError) {
            var numbers: (Int32, Int32) = (-1, -1)
            let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            let answer = unsafe withUnsafeMutablePointer(to: &numbers) { pair in
                unsafe pair.withMemoryRebound(to: Int32.self, capacity: 2) { unsafe socketpair(AF_UNIX, type, 0, $0) }
            }
            guard answer == 0 else { throw IOError(errno: errno, "make a pair of sockets") }
            near = Descriptor(numbers.0)
            far = Descriptor(numbers.1)
        }
    }
}

/// Flags that the import leaves out (macros built upon enumerators), and the combinations used here.
enum UringFlags {
    /// IOSQE_BUFFER_SELECT: the kernel picks the receive buffer.
    static let bufferSelect: UInt8 = 1 << 5
    /// IOSQE_CQE_SKIP_SUCCESS: only failure posts a completion.
    static let skipSuccess: UInt8 = 1 << 6

    /// A send that takes what there is room for; all of it, or a completion that says how much.
    static let sendAtOnce = Int32(MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL)
    /// A send for which the kernel waits until all of it has found room.
    static let sendAll = Int32(MSG_WAITALL | MSG_NOSIGNAL)
}
#endif
