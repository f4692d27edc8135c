// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryNucosMQ
import Foundation

/// Puts one challenge to everybody and accepts one signature.
struct PeerAuthenticator: NucosAuthenticator {
    let challenge: Payload
    let signature: JSON

    func challenge(for uid: String) async throws -> Payload { challenge }

    func verify(uid: String, signature: Payload, challenge: Payload) async throws -> Bool {
        try JSONDecoder().decode(JSON.self, from: Data(signature.bytes)) == self.signature
    }
}
