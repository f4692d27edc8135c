// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes

/// An answer that a handler throws.
public struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// The status of the answer.
    public let status: HTTPResponse.Status
    /// Its text, for a person; empty for the status's own phrase.
    public let message: String

    /// Makes an error.
    public init(_ status: HTTPResponse.Status, _ message: String = "") {
        self.status = status
        self.message = message
    }

    /// The status and the message.
    public var description: String { "\(status): \(message)" }

    /// The error as an answer of plain text.
    public var response: Response { .text((message.isEmpty ? status.reasonPhrase : message) + "\n", status: status) }
}
