// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// SHA-1, as the WebSocket handshake wants it (RFC 6455, §4.2.2); not for secrets.
package enum SHA1 {
    /// The 20 bytes of the digest.
    package static func digest(of bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
        _ = unsafe COpenSSL.SHA1(bytes, bytes.count, &digest)
        return digest
    }
}
