// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry

/// What a MissionCommander server tells its clients: a subject and a JSON object (MissionCommander wire, §7).
public struct Message: Sendable, Hashable {
    /// What it is about; with the length of the payload it has to fit into a header of 64 bytes.
    public let subject: String
    /// A JSON object.
    public let payload: Payload

    /// The payload, under the name that the original's README uses.
    public var body: Payload { payload }
}
