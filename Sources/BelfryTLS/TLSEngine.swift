// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// One TLS connection without a socket: ciphertext in, plaintext out, and the other way round.
///
/// TLS 1.2 or 1.3 by OpenSSL over memory buffers. A client names the host (RFC 6066), offers `http/1.1` (RFC 7301), and
/// opens only for a certificate that is trusted and is for that host (RFC 6125). After each call that may have made
/// output (`start`, `next`, `write`, `end`), `drain` has it. It keeps at most one record that has come in part, 16 KiB,
/// and in the handshake 100 KB of certificates; and what `drain` did not fetch.
// `@safe`: the pointers are made here, freed once, and used only in calls that end before the method returns.
@safe package struct TLSEngine: ~Copyable {
    /// What came of bytes that were fed.
    package enum Event: Sendable, Equatable {
        /// The handshake is over: the peer is who it should be.
        case opened
        /// Plaintext was appended.
        case plaintext
        /// Nothing more comes of what was fed.
        case needsMore
        /// The peer will send nothing more, and said so.
        case ended
    }

    /// The bytes of plaintext that one call of `next` appends at most: a record's (RFC 8446, §5.1).
    private static let pieceBytes = 16 * 1024

    private let ssl: OpaquePointer
    // Both belong to `ssl`, which frees them.
    private let input: OpaquePointer
    private let output: OpaquePointer
    private let host: String
    private var hasFailed = false
    /// The handshake is over.
    package private(set) var isOpen = false

    /// Makes a connection; a client begins with `start`.
    ///
    /// - Parameters:
    ///   - context: Who is trusted, or the certificate.
    ///   - host: A client's: the name, or the IPv4 or IPv6 address, that the certificate has to be for.
    /// - Throws: ``TLSError`` `.configuration`.
    package init(_ context: TLSContext, host: String = "") throws(TLSError) {
        let parts = try unsafe Self.make(context, host)
        unsafe ssl = parts.ssl
        unsafe input = parts.input
        unsafe output = parts.output
        self.host = host
    }

    // The pointers are freed here if it fails, otherwise owned by the caller.
    private static func make(
        _ context: TLSContext,
        _ host: String
    ) throws(TLSError) -> (ssl: OpaquePointer, input: OpaquePointer, output: OpaquePointer) {
        guard let ssl = unsafe SSL_new(context.pointer) else {
            throw TLSError(.configuration, "no memory for a TLS connection")
        }
        let input = unsafe BIO_new(BIO_s_mem())
        let output = unsafe BIO_new(BIO_s_mem())
        // From here on the buffers are freed with the connection.
        unsafe SSL_set_bio(ssl, input, output)
        guard let input = unsafe input, let output = unsafe output else {
            unsafe SSL_free(ssl)
            throw TLSError(.configuration, "no memory for a TLS connection")
        }
        if context.role == .server {
            unsafe SSL_set_accept_state(ssl)
            return unsafe (ssl, input, output)
        }
        unsafe SSL_set_connect_state(ssl)
        guard unsafe expect(host, of: ssl) else {
            ERR_clear_error()
            unsafe SSL_free(ssl)
            throw TLSError(.configuration, "'\(host.prefix(300))' is no host")
        }
        return unsafe (ssl, input, output)
    }

    private static func expect(_ host: String, of ssl: OpaquePointer) -> Bool {
        guard !host.isEmpty, !host.utf8.contains(0) else { return false }
        let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
        // The library copies texts and bytes.
        guard unsafe SSL_set_alpn_protos(ssl, protocols, UInt32(protocols.count)) == 0 else { return false }
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1 { return true }
        unsafe SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        // A name that is complete ends in a dot; certificates and RFC 6066 have it without.
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        return unsafe SSL_set1_host(ssl, name) == 1 && belfry_set_server_name(ssl, name) == 1
    }

    // Frees the buffers too.
    deinit { unsafe SSL_free(ssl) }

    /// Begins the handshake.
    package mutating func start() throws(TLSError) { _ = try shakeHands() }

    /// Takes what came from the peer; ask `next` until it needs more.
    package mutating func feed(_ ciphertext: Span<UInt8>) {
        guard !ciphertext.isEmpty else { return }
        // A memory buffer takes everything, or there is no memory, which `next` then finds out.
        _ = unsafe ciphertext.withUnsafeBufferPointer {
            unsafe BIO_write(input, $0.baseAddress, Int32(clamping: $0.count))
        }
    }

    /// Goes on with what was fed.
    ///
    /// - Parameter plaintext: Gets at most 16 KiB more.
    /// - Throws: ``TLSError``; then there may still be an alert for the peer to `drain`.
    package mutating func next(into plaintext: inout [UInt8]) throws(TLSError) -> Event {
        guard !hasFailed else { throw TLSError(.broken, "the TLS connection broke") }
        guard isOpen else { return try shakeHands() }
        ERR_clear_error()
        var count = 0
        var status: Int32 = 0
        plaintext.append(addingCapacity: Self.pieceBytes) { (target: inout OutputSpan<UInt8>) in
            unsafe target.withUnsafeMutableBufferPointer { buffer, filled in
                status = unsafe SSL_read_ex(ssl, buffer.baseAddress, Self.pieceBytes, &count)
                filled = count
            }
        }
        if status == 1 { return .plaintext }
        switch unsafe SSL_get_error(ssl, status) {
        case SSL_ERROR_WANT_READ: return .needsMore
        case SSL_ERROR_ZERO_RETURN: return .ended
        default: throw failure()
        }
    }

    private mutating func shakeHands() throws(TLSError) -> Event {
        ERR_clear_error()
        let status = unsafe SSL_do_handshake(ssl)
        if status == 1 {
            isOpen = true
            return .opened
        }
        guard unsafe SSL_get_error(ssl, status) == SSL_ERROR_WANT_READ else { throw failure() }
        return .needsMore
    }

    private mutating func failure() -> TLSError {
        hasFailed = true
        if !isOpen, let error = unsafe TLSError(verification: SSL_get_verify_result(ssl), host: host) {
            ERR_clear_error()
            return error
        }
        return TLSError.queued(beforeAnswer: !isOpen)
    }

    /// Encrypts; only when open.
    ///
    /// - Throws: ``TLSError`` `.broken`.
    package mutating func write(_ plaintext: Span<UInt8>) throws(TLSError) {
        var start = 0
        while start < plaintext.count {
            ERR_clear_error()
            var count = 0
            let status = unsafe plaintext.extracting(droppingFirst: start).withUnsafeBufferPointer {
                unsafe SSL_write_ex(ssl, $0.baseAddress, $0.count, &count)
            }
            guard status == 1, count > 0 else { throw failure() }
            start += count
        }
    }

    /// Tells the peer that nothing more will be sent (RFC 8446, §6.1).
    package mutating func end() {
        guard isOpen, !hasFailed else { return }
        ERR_clear_error()
        _ = unsafe SSL_shutdown(ssl)
        ERR_clear_error()
    }

    /// Hands over the bytes for the peer, in pieces.
    package mutating func drain(_ body: (Span<UInt8>) -> Void) {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.pieceBytes) { buffer in
            while true {
                let count = unsafe BIO_read(output, buffer.baseAddress, Int32(buffer.count))
                guard count > 0 else { return }
                // As many bytes as it says are initialised now.
                body(unsafe UnsafeBufferPointer(rebasing: buffer[..<Int(count)]).span)
            }
        }
    }
}
