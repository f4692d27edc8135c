// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// What connections of one kind share: who is trusted, or which certificate is shown.
///
/// Making one for clients reads the authorities, which takes some 10 ms: keep it. Not for several threads.
// `@safe`: the pointer is made here, valid as long as the object, and never handed out of the library.
@safe package final class TLSContext {
    /// The side that connections take.
    package enum Role: Sendable {
        case client, server
    }

    /// The side that connections take.
    package let role: Role
    let pointer: OpaquePointer

    /// For clients that trust certificate authorities.
    ///
    /// - Parameter authorities: A file of certificates in PEM; nil for the system's, which the environment variables
    ///   `SSL_CERT_FILE` and `SSL_CERT_DIR` replace.
    /// - Throws: ``TLSError`` `.configuration`.
    package convenience init(authorities: String? = nil) throws(TLSError) {
        try self.init(.client)
        // The library copies the path.
        let status =
            if let authorities { unsafe SSL_CTX_load_verify_file(pointer, authorities) } else {
                unsafe SSL_CTX_set_default_verify_paths(pointer)
            }
        guard status == 1 else {
            ERR_clear_error()
            throw TLSError(.configuration, "no certificate authorities in \(authorities ?? "the system's store")")
        }
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
    }

    /// For servers.
    ///
    /// - Parameters:
    ///   - certificate: A file in PEM: the server's certificate, then those between it and the authority.
    ///   - key: A file in PEM: its private key.
    /// - Throws: ``TLSError`` `.configuration`.
    package convenience init(certificate: String, key: String) throws(TLSError) {
        try self.init(.server)
        // The library reads the files before it returns.
        guard unsafe SSL_CTX_use_certificate_chain_file(pointer, certificate) == 1,
            unsafe SSL_CTX_use_PrivateKey_file(pointer, key, SSL_FILETYPE_PEM) == 1,
            unsafe SSL_CTX_check_private_key(pointer) == 1
        else {
            ERR_clear_error()
            throw TLSError(.configuration, "no certificate in \(certificate) with its key in \(key)")
        }
    }

    private init(_ role: Role) throws(TLSError) {
        self.role = role
        // nil for want of memory alone.
        guard let made = unsafe SSL_CTX_new(role == .client ? TLS_client_method() : TLS_server_method()) else {
            ERR_clear_error()
            throw TLSError(.configuration, "OpenSSL can't be set up")
        }
        unsafe pointer = made
        // Calls on a context that lives.
        _ = unsafe belfry_ctx_set_min_version(made, TLS1_2_VERSION)
        // An idle connection owns no buffers of OpenSSL's.
        unsafe belfry_ctx_set_mode(made, Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE))
        unsafe belfry_ctx_forbid_renegotiation_and_compression(made)
    }

    // Connections count as owners of it too.
    deinit { unsafe SSL_CTX_free(pointer) }
}
