// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

extension SocketAddress {
    /// Reads a numeric address (`127.0.0.1`, `::1`); nil for a name.
    public init?(numericHost host: String, port: UInt16) {
        var four = in_addr()
        var six = in6_addr()
        if unsafe inet_pton(AF_INET, host, &four) == 1 {
            self = .ipv4(UInt32(bigEndian: four.s_addr), port: port)
        } else if unsafe inet_pton(AF_INET6, host, &six) == 1 {
            self = Self.ipv6(six, port: port, scope: 0)
        } else {
            return nil
        }
    }

    private static func ipv6(_ address: in6_addr, port: UInt16, scope: UInt32) -> SocketAddress {
        let halves = unsafe unsafeBitCast(address, to: (UInt64, UInt64).self)
        return .ipv6(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1), port: port, scope: scope)
    }

    var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// The kernel's form of the address and its length.
    func storage() throws(IOError) -> (sockaddr_storage, socklen_t) {
        var storage = sockaddr_storage()
        switch self {
        case .ipv4(let address, let port):
            var inet = sockaddr_in()
            inet.sin_family = sa_family_t(AF_INET)
            inet.sin_port = port.bigEndian
            inet.sin_addr.s_addr = address.bigEndian
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: inet, as: sockaddr_in.self) }
            return (storage, socklen_t(MemoryLayout<sockaddr_in>.size))
        case .ipv6(let high, let low, let port, let scope):
            var inet = sockaddr_in6()
            inet.sin6_family = sa_family_t(AF_INET6)
            inet.sin6_port = port.bigEndian
            inet.sin6_scope_id = scope
            inet.sin6_addr = unsafe unsafeBitCast((high.bigEndian, low.bigEndian), to: in6_addr.self)
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: inet, as: sockaddr_in6.self) }
            return (storage, socklen_t(MemoryLayout<sockaddr_in6>.size))
        case .unix(let path):
            let bytes = Array(path.utf8)
            guard !bytes.isEmpty, bytes.count < 108, !bytes.contains(0) else {
                throw IOError(.badAddress, "a Unix socket's path has 1 to 107 bytes, not \(bytes.count)")
            }
            storage.ss_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &storage) { target in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[2...]).copyBytes(from: bytes)
            }
            return (storage, socklen_t(2 + bytes.count + 1))
        }
    }

    /// Reads the kernel's form; nil for a family of no interest or an unnamed Unix socket.
    init?(_ storage: sockaddr_storage, length: socklen_t) {
        switch Int32(storage.ss_family) {
        case AF_INET:
            let inet = unsafe withUnsafeBytes(of: storage) { unsafe $0.load(as: sockaddr_in.self) }
            self = .ipv4(UInt32(bigEndian: inet.sin_addr.s_addr), port: UInt16(bigEndian: inet.sin_port))
        case AF_INET6:
            let inet = unsafe withUnsafeBytes(of: storage) { unsafe $0.load(as: sockaddr_in6.self) }
            self = Self.ipv6(inet.sin6_addr, port: UInt16(bigEndian: inet.sin6_port), scope: inet.sin6_scope_id)
        case AF_UNIX:
            let count = Int(length) - 2
            guard count > 1, count <= 108 else { return nil }
            let path = unsafe withUnsafeBytes(of: storage) { bytes in
                unsafe String(decoding: bytes[2..<(2 + count)].prefix { $0 != 0 }, as: UTF8.self)
            }
            self = .unix(path: path)
        default:
            return nil
        }
    }

    /// Asks the kernel with getsockname(2) or getpeername(2).
    init?(ofSocket descriptor: Int32, peer: Bool) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        guard unsafe clinux_address(descriptor, peer ? 1 : 0, &storage, &length) == 0 else { return nil }
        self.init(storage, length: length)
    }
}
