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
    /// The frame's header and what stands before the id.
    var head: [UInt8] = []
    /// What stands behind it.
    var end: [UInt8] = []

    /// Appends the receipt of a JSON object with an id; false, and nothing done, when it is not like the last one.
    @inline(__always)
    func append(_ id: Span<UInt8>, at moment: Int64, to output: inout [UInt8]) -> Bool {
        guard id.count == idCount, moment == self.moment, id.isASCII else { return false }
        output.append(contentsOf: head)
        output.append(bytes: id)
        output.append(contentsOf: end)
        return true
    }
}
