// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

extension IOError {
    /// Translates an `errno` value; `doing` says what was being tried, as in "listen on 127.0.0.1:4000".
    package init(errno number: Int32, _ doing: String) {
        let code: Code =
            switch number {
            case EADDRINUSE: .addressInUse
            case EADDRNOTAVAIL, EINVAL, ENOENT, ENOTDIR, ENAMETOOLONG, EAFNOSUPPORT: .badAddress
            case ENETUNREACH, EHOSTUNREACH: .unreachable
            case ECONNREFUSED: .refused
            case ECONNRESET, EPIPE, ECONNABORTED: .reset
            case ETIMEDOUT: .timedOut
            case EMFILE, ENFILE: .tooManyDescriptors
            case ENOMEM, ENOBUFS: .outOfMemory
            case EACCES, EPERM: .notPermitted
            case ENOSYS: .unavailable
            case EBADF, ECANCELED: .closed
            default: .system
            }
        self.init(code, "\(doing): \(systemMessage(number))")
    }
}

/// The operating system's words for an `errno` value.
func systemMessage(_ number: Int32) -> String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
}
