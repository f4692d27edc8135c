// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a callback's task is inside of, so that it does not wait for itself.
enum CallScope {
    /// The boxes and pairs whose messages are being handed over.
    @TaskLocal static var deliveries: Set<Delivery> = []
    /// The boxes and ids whose accesses are under way.
    @TaskLocal static var accesses: Set<Access> = []

    struct Delivery: Hashable, Sendable {
        let box: ObjectIdentifier
        let row: Int64
    }

    struct Access: Hashable, Sendable {
        let box: ObjectIdentifier
        let key: IDKey
    }
}
