// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// A network interface of this machine, by its name, as in `lo` or `eth0`.
package struct NetworkInterface: Sendable, Hashable {
    /// Its name.
    package let name: String
    /// Its IPv4 addresses in the kernel's order, with port 0; none for one that has no such address.
    package let ipv4Addresses: [SocketAddress]

    /// All interfaces in the kernel's order, each once; none when the kernel does not tell.
    package static var all: [NetworkInterface] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [] }
        defer { unsafe freeifaddrs(list) }
        var names: [String] = []
        var addresses: [String: [SocketAddress]] = [:]
        var entry = unsafe list
        while let info = unsafe entry {
            let name = unsafe String(cString: info.pointee.ifa_name)
            if addresses[name] == nil {
                names.append(name)
                addresses[name] = []
            }
            if let source = unsafe info.pointee.ifa_addr, unsafe Int32(source.pointee.sa_family) == AF_INET,
                let address = unsafe read(source)
            {
                addresses[name]?.append(address)
            }
            unsafe entry = info.pointee.ifa_next
        }
        return names.map { NetworkInterface(name: $0, ipv4Addresses: addresses[$0] ?? []) }
    }

    /// The first IPv4 address of the interface with this name, with a port; nil when there is none.
    package static func ipv4Address(named name: String, port: UInt16 = 0) -> SocketAddress? {
        all.first { $0.name == name }?.ipv4Addresses.first?.with(port: port)
    }

    private static func read(_ source: UnsafeMutablePointer<sockaddr>) -> SocketAddress? {
        var storage = sockaddr_storage()
        let count = MemoryLayout<sockaddr_in>.size
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: count))
        }
        return SocketAddress(storage, length: socklen_t(count))
    }
}
