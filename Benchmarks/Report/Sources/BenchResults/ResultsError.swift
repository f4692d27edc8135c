// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Why results could not be read.
public struct ResultsError: Error, CustomStringConvertible {
    /// What is wrong, for people.
    public let description: String

    /// An error with its words.
    public init(_ description: String) {
        self.description = description
    }
}
