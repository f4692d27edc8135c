// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// System calls on sockets that both kernels' backends share.
enum Socket {
    static func adopt(_ number: Int32, _ doing: String) throws(IOError) -> Descriptor {
        guard number >= 0 else { throw IOError(errno: errno, doing) }
        return Descriptor(number)
    }

    static func set(_ descriptor: borrowing Descriptor, _ level: Int32, _ name: Int32, _ value: Int32) {
        set(descriptor.number, level, name, value)
    }

    static func set(_ number: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        // A refused option costs speed, not correctness.
        _ = unsafe setsockopt(number, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Binds and listens; a stale Unix socket file of ours that nobody serves is replaced.
    static func listen(on address: SocketAddress, backlog: Int) throws(IOError) -> Descriptor {
        let doing = "listen on \(address)"
        let descriptor = try adopt(clinux_stream_socket(address.family), doing)
        if case .unix(let path) = address { try removeStaleFile(path) }
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if case .ipv6 = address { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        var (storage, length) = try address.storage()
        guard unsafe clinux_bind(descriptor.number, &storage, length) == 0 else { throw IOError(errno: errno, doing) }
        guard Glibc.listen(descriptor.number, Int32(clamping: backlog)) == 0 else { throw IOError(errno: errno, doing) }
        return descriptor
    }

    private static func removeStaleFile(_ path: String) throws(IOError) {
        let probe = try adopt(clinux_stream_socket(AF_UNIX), "listen on unix:\(path)")
        var (storage, length) = try SocketAddress.unix(path: path).storage()
        let answer = unsafe clinux_connect(probe.number, &storage, length)
        if answer != 0, errno == ECONNREFUSED { _ = unsafe unlink(path) }
    }

    /// A socket that has begun to connect, from `local` where that is given.
    static func connect(to address: SocketAddress, from local: SocketAddress?) throws(IOError) -> Descriptor {
        let doing = "connect to \(address)"
        let descriptor = try adopt(clinux_stream_socket(address.family), doing)
        tune(descriptor.number, address.family)
        if let local { try bind(descriptor, to: local) }
        var (storage, length) = try address.storage()
        let answer = unsafe clinux_connect(descriptor.number, &storage, length)
        guard answer == 0 || errno == EINPROGRESS else { throw IOError(errno: errno, doing) }
        return descriptor
    }

    /// Gives an outgoing connection its own end.
    private static func bind(_ descriptor: borrowing Descriptor, to local: SocketAddress) throws(IOError) {
        if local.port == 0 {
            // The port is chosen with the connection, so that as many can leave as there are peers times ports (ip(7)).
            set(descriptor, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, 1)
        } else {
            // The port of the connection before this one may still be in TIME-WAIT.
            set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        }
        var (storage, length) = try local.storage()
        guard unsafe clinux_bind(descriptor.number, &storage, length) == 0 else {
            throw IOError(errno: errno, "bind to \(local)")
        }
    }

    /// Has TCP probe a silent peer, or no longer.
    static func setKeepAlive(_ keepAlive: KeepAlive?, _ number: Int32, _ family: Int32) {
        guard family != AF_UNIX else { return }
        if let values = keepAlive?.values {
            set(number, Int32(IPPROTO_TCP), TCP_KEEPIDLE, values.idle)
            set(number, Int32(IPPROTO_TCP), TCP_KEEPINTVL, values.interval)
            set(number, Int32(IPPROTO_TCP), TCP_KEEPCNT, values.count)
        }
        set(number, SOL_SOCKET, SO_KEEPALIVE, keepAlive == nil ? 0 : 1)
    }

    static func bindDatagrams(to address: SocketAddress) throws(IOError) -> Descriptor {
        let doing = "bind datagrams to \(address)"
        let descriptor = try adopt(clinux_datagram_socket(address.family), doing)
        var (storage, length) = try address.storage()
        guard unsafe clinux_bind(descriptor.number, &storage, length) == 0 else { throw IOError(errno: errno, doing) }
        return descriptor
    }

    /// What every stream wants: no Nagle delay, room for a turn's frames.
    static func tune(_ number: Int32, _ family: Int32) {
        if family != AF_UNIX { set(number, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
    }

    /// The pending error of a socket (SO_ERROR), 0 when there is none.
    static func pendingError(_ number: Int32) -> Int32 {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &value, &length) == 0 ? value : errno
    }

    /// Receives one datagram into a buffer of `pool`, which must not be exhausted, and reports it.
    ///
    /// False when there is none. Errors that belong to what was sent earlier (an ICMP answer) pass for an empty read.
    static func receiveDatagram(
        _ number: Int32,
        _ pool: BufferPool,
        _ handle: IOHandle,
        into batch: inout CompletionBatch
    ) -> Bool {
        guard let buffer = pool.take() else { return true }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = unsafe clinux_receive_from(number, pool.address(buffer), pool.slotBytes, &storage, &length)
        let error = errno
        guard count >= 0, let sender = SocketAddress(storage, length: length) else {
            pool.giveBack(buffer)
            return count >= 0 || error != EAGAIN
        }
        batch.senders.append(sender)
        batch.items.append(
            .receivedDatagram(handle, buffer: buffer, count: count, sender: batch.senders.count - 1)
        )
        return true
    }

    static func sendDatagram(_ bytes: Span<UInt8>, to address: SocketAddress, from number: Int32) -> Bool {
        guard let (address, length) = try? address.storage() else { return false }
        var storage = address
        let sent = unsafe bytes.withUnsafeBytes {
            unsafe clinux_send_to(number, $0.baseAddress, $0.count, &storage, length)
        }
        return sent == bytes.count
    }
}
