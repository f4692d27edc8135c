// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// Why there is no TLS with the peer, or no longer.
package struct TLSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of failure.
    package enum Code: String, Sendable {
        /// Our own side can't be set up, as with a file of authorities that can't be read.
        case configuration
        /// The certificate's time is over.
        case expired
        /// The certificate's time has not begun.
        case notYetValid
        /// The certificate vouches for itself.
        case selfSigned
        /// No authority that is trusted here vouches for the certificate.
        case unknownAuthority
        /// The certificate is for another host.
        case wrongHost
        /// The certificate is no good for another reason; the message has it.
        case badCertificate
        /// What the peer talks is not TLS.
        case notTLS
        /// The peer refused; the message has its alert.
        case refused
        /// The peer broke the protocol, or the bytes were changed on their way.
        case broken
        /// The connection ended without the peer's word for it (RFC 8446, §6.1).
        case truncated
    }

    /// The kind of failure.
    package let code: Code
    /// One sentence for a person.
    package let message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    package var description: String { "\(code.rawValue): \(message)" }

    /// It is the certificate that is no good.
    package var isUntrusted: Bool {
        switch code {
        case .expired, .notYetValid, .selfSigned, .unknownAuthority, .wrongHost, .badCertificate: true
        case .configuration, .notTLS, .refused, .broken, .truncated: false
        }
    }
}

extension TLSError {
    /// What a failed check of the certificate comes to; nil when it did not fail.
    init?(verification result: Int, host: String) {
        let code: Code
        switch Int32(truncatingIfNeeded: result) {
        case X509_V_OK: return nil
        case X509_V_ERR_CERT_HAS_EXPIRED: code = .expired
        case X509_V_ERR_CERT_NOT_YET_VALID: code = .notYetValid
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: code = .selfSigned
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            code = .unknownAuthority
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: code = .wrongHost
        default: code = .badCertificate
        }
        // The text is a constant of the library's.
        let words = unsafe String(cString: X509_verify_cert_error_string(result))
        self.init(code, "the certificate of \(host) is not trusted: \(words)")
    }

    /// What lies in the thread's queue of errors, which is emptied.
    ///
    /// - Parameter beforeAnswer: The peer has not said anything in TLS yet.
    static func queued(beforeAnswer: Bool) -> TLSError {
        let error = ERR_get_error()
        ERR_clear_error()
        let reason = belfry_error_reason(error)
        // The text is a constant of the library's, nil for what it does not know.
        let text = unsafe ERR_reason_error_string(error)
        let words = unsafe text.map { unsafe String(cString: $0) } ?? "error \(reason)"
        if reason >= SSL_AD_REASON_OFFSET { return TLSError(.refused, "the peer refused: \(words)") }
        let foreign = [
            SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG,
        ]
        if beforeAnswer, foreign.contains(reason) { return TLSError(.notTLS, "the peer does not talk TLS") }
        return TLSError(.broken, "the TLS connection broke: \(words)")
    }
}
