// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Glibc

/// A listener of the kernel's that never accepts and has next to no backlog: most connections to it stay unanswered.
final class BlackHole: Sendable {
    let address: SocketAddress
    private let descriptor: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var inet = sockaddr_in()
        inet.sin_family = sa_family_t(AF_INET)
        inet.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let answer = unsafe withUnsafeMutablePointer(to: &inet) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                let bound = unsafe bind(descriptor, generic, length)
                guard bound == 0, listen(descriptor, 0) == 0 else { return Int32(-1) }
                return unsafe getsockname(descriptor, generic, &length)
            }
        }
        guard answer == 0 else { throw IOError(.system, "no black hole to be had") }
        address = .loopback(port: UInt16(bigEndian: inet.sin_port))
    }

    deinit { close(descriptor) }
}
