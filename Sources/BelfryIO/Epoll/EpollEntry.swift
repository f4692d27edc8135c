// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// What the epoll backend knows of one descriptor.
///
/// A class, because the table of slots would copy a value of this size for every look at it. Loop-confined.
final class EpollEntry {
    enum Role {
        case listener, connecting, stream, datagrams
    }

    let descriptor: Int32
    let family: Int32
    var role: Role
    var armed = false
    /// Readiness as the edges told it: true until a call says EAGAIN.
    var readable = false
    var writable = true
    /// Already in the list of handles to look at.
    var isListed = false
    /// An edge told of the end of the stream: a short read is not the last thing to read.
    var hungUp = false
    var hasEnded = false
    var hasFailed = false
    var finishing = false
    var wantsWritable = false
    /// The send under way and how many of its bytes the kernel has taken.
    var sending: SendBatch?
    var sentBytes = 0
    /// A listener's pause after it ran out of descriptors, doubled up to a second.
    var backOff: Nanoseconds = 0

    init(descriptor: Int32, family: Int32, role: Role) {
        self.descriptor = descriptor
        self.family = family
        self.role = role
    }
}
