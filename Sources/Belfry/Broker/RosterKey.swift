// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Which frames a roster's subscribers get.
struct RosterKey: Hashable, Sendable {
    let room: String
    let format: String
}
