// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON

/// A receipt's frame without the id: the same for all messages of a moment whose ids have one length, as browsers' mostly
/// have.
struct ReceiptEnvelope {
    /// When the receipts say the messages came.
    var moment = Int64.min
    /// Bytes of the ids that fit, negative for none.
    var idCount = -1
    /// The last such frame.
    var frame: [UInt8] = []
    /// Where the id begins in it.
    var idStart = 0

    /// Appends the receipt of a JSON object with an id; false, and nothing done, when it is not like the last one.
    @inline(__always)
    func append(_ id: Span<UInt8>, at moment: Int64, to output: inout [UInt8]) -> Bool {
        guard id.count == idCount, moment == self.moment, id.isASCII else { return false }
        let start = output.count &+ idStart
        output.append(contentsOf: frame)
        var bytes = output.mutableSpan
        for index in id.indices { bytes[start &+ index] = id[index] }
        return true
    }
}
