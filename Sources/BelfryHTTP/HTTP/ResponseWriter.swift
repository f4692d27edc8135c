// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Writes a response's body piece by piece.
public struct ResponseWriter: Sendable {
    let sink: @Sendable ([UInt8]) async throws -> Void

    /// Sends bytes; returns once the client has taken enough of what was written before.
    ///
    /// - Throws: `CancellationError` when the client has gone.
    public func write(_ bytes: [UInt8]) async throws { try await sink(bytes) }

    /// Sends text.
    public func write(_ text: String) async throws { try await sink(Array(text.utf8)) }
}
