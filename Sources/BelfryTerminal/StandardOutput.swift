// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Standard output, unbuffered: who reads a pipe gets each answer at once.
package enum StandardOutput {
    /// Lets a write to a pipe that nobody reads fail instead of ending the program.
    package static func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

    /// Writes all of it.
    ///
    /// Blocks while whoever reads does not. Any thread; what is written at once is not mixed with what others write.
    ///
    /// - Returns: Whether it was taken; false when nobody reads any more.
    @discardableResult
    package static func write(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
