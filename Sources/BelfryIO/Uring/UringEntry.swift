// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#if Uring
import CLiburing
import CLinux
import Glibc

/// What an operation's completion is for: the low byte of its user data.
enum UringOperation: UInt8 {
    /// Nobody listens: cancellations, whose effect shows at what they cancel.
    case cancel
    case waker
    case accept
    case receive
    case send
    /// Readiness: a connection stands or failed, a datagram is there.
    case poll

    /// From the highest bits down: generation in 32, slot in 24, operation in 8.
    func userData(_ handle: IOHandle) -> UInt64 {
        UInt64(handle.generation) << 32 | UInt64(handle.slot & 0xFF_FFFF) << 8 | UInt64(rawValue)
    }
}

extension UringCompletion {
    var operation: UringOperation? { UringOperation(rawValue: UInt8(truncatingIfNeeded: userData)) }

    var handle: IOHandle {
        IOHandle(slot: UInt32(truncatingIfNeeded: userData >> 8) & 0xFF_FFFF, generation: UInt32(userData >> 32))
    }
}

/// What the io_uring backend knows of one descriptor.
///
/// Loop-confined.
final class UringEntry {
    enum Role {
        case listener, connecting, stream, datagrams
    }

    enum SendState {
        case idle
        /// To be submitted with the next harvest.
        case queued
        /// With the kernel, which completes it while it is submitted and speaks only of failure.
        case optimistic
        /// With the kernel, which waits for room and reports the end.
        case waiting
    }

    let descriptor: Int32
    let family: Int32
    var handle = IOHandle.none
    var role: Role
    /// The owner wants the standing operation; `standing`: the kernel has it; `cancelling`: it was told to stop.
    var armed = false
    var standing = false
    var cancelling = false
    /// Already in the list of those to arm.
    var isListed = false
    /// Operations whose last completion is still to come; the descriptor and its memory live until then.
    var outstanding = 0
    var hasEnded = false
    var hasFailed = false
    var finishing = false
    var wantsWritable = false
    var isClosing = false
    var sendState = SendState.idle
    /// The last attempt came up short: the kernel is to wait for room.
    var waitsForRoom = false
    /// The send under way: its size, what the kernel has taken, and what the attempt under way carries.
    var sending: SendBatch?
    var byteCount = 0
    var sentBytes = 0
    var attempted = 0
    var message: UringMessage?
    /// The submission queue's position behind an optimistic send.
    var position: UInt32 = 0
    /// A listener's pause after it ran out of descriptors, doubled up to a second.
    var backOff: Nanoseconds = 0
    var retryAt: Nanoseconds = 0

    init(_ descriptor: Int32, _ role: Role, family: Int32) {
        self.descriptor = descriptor
        self.role = role
        self.family = family
    }

    /// Whether the kernel has nothing of this entry's any more.
    var isIdle: Bool { outstanding == 0 && sendState != .optimistic }
}

/// The kernel's form of a send of several segments; at one place in memory until the send is done.
@safe struct UringMessage: ~Copyable {
    let header: UnsafeMutablePointer<msghdr>
    let byteCount: Int
    private let vector: UnsafeMutableBufferPointer<iovec>

    /// The kernel cuts a call off below 2 GiB without a word (MAX_RW_COUNT); segments have at most 1 GiB each.
    private static let maxByteCount = 1 << 30

    init(_ batch: SendBatch, skipping: Int) {
        let capacity = min(batch.rest.count + 1, SegmentVector.maxCount)
        unsafe vector = .allocate(capacity: capacity)
        let filled = unsafe SegmentVector.fill(vector, batch, skipping: skipping)
        var total = 0
        var used = 0
        while used < filled, used == 0 || total + (unsafe vector[used].iov_len) <= Self.maxByteCount {
            total += unsafe vector[used].iov_len
            used += 1
        }
        byteCount = total
        unsafe header = .allocate(capacity: 1)
        unsafe header.initialize(to: msghdr())
        unsafe header.pointee.msg_iov = vector.baseAddress
        unsafe header.pointee.msg_iovlen = used
    }

    deinit {
        unsafe vector.deallocate()
        unsafe header.deallocate()
    }
}
#endif
