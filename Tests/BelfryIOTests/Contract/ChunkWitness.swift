// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting

/// Knows whether the chunk of a batch is still alive, without keeping it so.
final class ChunkWitness {
    private weak var chunk: FrameChunk?

    var isAlive: Bool { chunk != nil }

    /// A batch of one chunk that nobody else refers to; its bytes are all zero.
    func makeBatch(bytes count: Int) -> SendBatch {
        let batch = SendBatch(copying: [UInt8](repeating: 0, count: count))
        chunk = batch.first.chunk
        return batch
    }
}
