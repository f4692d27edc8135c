// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// Appends a copy of lent bytes, as one move of memory.
    package mutating func append(copying bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
