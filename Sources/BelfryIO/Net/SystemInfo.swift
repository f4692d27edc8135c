// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// What the operating system says of itself.
public struct SystemInfo: Sendable {
    /// The kernel's name and release.
    public let kernel: String
    /// The soft and hard limit of open descriptors.
    public let descriptorLimit: String
    /// The soft and hard limit of locked memory, which io_uring's rings count against.
    public let lockedMemoryLimit: String

    /// Asks the system.
    public init() {
        var names = utsname()
        unsafe uname(&names)
        let system = unsafe withUnsafePointer(to: &names.sysname) { unsafe Self.text($0) }
        let release = unsafe withUnsafePointer(to: &names.release) { unsafe Self.text($0) }
        kernel = "\(system) \(release)"
        descriptorLimit = Self.limit(lockedMemory: false)
        lockedMemoryLimit = Self.limit(lockedMemory: true)
    }

    private static func text<Tuple>(_ field: UnsafePointer<Tuple>) -> String {
        unsafe String(cString: UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self))
    }

    private static func limit(lockedMemory: Bool) -> String {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        guard unsafe clinux_limit(lockedMemory ? 1 : 0, &soft, &hard) == 0 else { return "unknown" }
        let words = [soft, hard].map { $0 == UInt64.max ? "unlimited" : "\($0)" }
        return "\(words[0]) (hard \(words[1]))"
    }
}
