// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// The C library's resolver.
enum AddressInfo {
    /// Looks a name up; blocks the thread, for many seconds if it has to.
    static func lookUp(_ name: String, port: UInt16) -> Result<[SocketAddress], IOError> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        // One entry for each address instead of one for each kind of socket.
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let answer = unsafe getaddrinfo(name, nil, &hints, &list)
        guard answer == 0 else { return .failure(failure(answer, errno, name)) }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = unsafe list
        while let info = unsafe entry {
            if let address = unsafe read(info.pointee), !addresses.contains(address) {
                addresses.append(address.with(port: port))
            }
            unsafe entry = info.pointee.ai_next
        }
        guard !addresses.isEmpty else { return .failure(IOError(.nameNotResolved, "'\(name)' has no address")) }
        return .success(addresses)
    }

    private static func read(_ info: addrinfo) -> SocketAddress? {
        guard let source = unsafe info.ai_addr else { return nil }
        var storage = sockaddr_storage()
        let count = min(unsafe Int(info.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: count))
        }
        return SocketAddress(storage, length: socklen_t(count))
    }

    private static func failure(_ answer: Int32, _ number: Int32, _ name: String) -> IOError {
        let words =
            answer == EAI_SYSTEM
            ? systemMessage(number) : unsafe gai_strerror(answer).map { unsafe String(cString: $0) }
        return IOError(.nameNotResolved, "look up '\(name)': \(words ?? "error \(answer)")")
    }
}
