// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import Testing

@Suite("Bytes compared by words", .timeLimit(.minutes(1)))
struct SpanMatchTests {
    private func match(_ left: [UInt8], _ right: [UInt8]) -> Bool { left.span.matches(right.span) }

    @Test("spans match exactly when every byte does, at every length and place", arguments: 0...40)
    func everyByte(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        #expect(match(bytes, Array(bytes)))
        #expect(!match(bytes, bytes + [1]))
        for index in bytes.indices {
            for bit in 0..<8 {
                var other = bytes
                other[index] ^= 1 << bit
                #expect(!match(bytes, other), "byte \(index), bit \(bit)")
            }
        }
    }
}
