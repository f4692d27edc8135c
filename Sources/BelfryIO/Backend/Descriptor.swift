// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// A file descriptor with one owner: closed when the owner lets go of it.
struct Descriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { _ = close(number) }

    /// Gives the number away; whoever takes it closes it.
    consuming func release() -> Int32 {
        let number = self.number
        discard self
        return number
    }
}
