// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Text files that the kernel makes up.
enum ProcFile {
    static func lines(_ path: String) throws -> [String] {
        // Their size is said to be zero.
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        let bytes = try handle.readToEnd() ?? Data()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
