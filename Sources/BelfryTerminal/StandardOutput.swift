// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Standard output, unbuffered: who reads a pipe gets each answer at once.
package enum StandardOutput {
    /// What a pipe that is ready takes without blocking (POSIX's least PIPE_BUF is 512, Linux has 4,096).
    private static let maxPartBytes = 4_096

    /// Lets a write to a pipe that nobody reads fail instead of ending the program.
    package static func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

    /// Writes all of it, part by part.
    ///
    /// - Parameter isReady: Waits until a part can be written; false gives up.
    /// - Returns: Whether it was taken; false when nobody reads any more.
    @discardableResult
    package static func write(_ text: String, when isReady: () -> Bool = { true }) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            guard isReady() else { return false }
            let part = rest.prefix(maxPartBytes)
            let count = unsafe part.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR && errno != EAGAIN {
                return false
            }
        }
        return true
    }
}
