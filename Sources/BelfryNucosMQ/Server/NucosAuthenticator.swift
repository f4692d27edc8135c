// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

/// Decides who may come in, by challenge and signature (nucosMQ wire, §4).
///
/// No hashing is prescribed: both are whatever the application makes of them, as JSON.
public protocol NucosAuthenticator: Sendable {
    /// Makes the challenge for a client that says it is `uid`; a text counts as a JSON string.
    func challenge(for uid: String) async throws -> Payload

    /// Whether the signature proves it; throwing refuses, like false.
    func verify(uid: String, signature: Payload, challenge: Payload) async throws -> Bool
}
