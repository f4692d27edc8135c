// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import HTTPTypes

/// The answers that are no messages (Watchbox protocol, §2).
enum WatchboxCode: String {
    /// Nothing queued.
    case nothing = "wb00"
    /// Not a member of that group.
    case noMember = "wb11"
    /// A broadcast was taken.
    case broadcast = "wb21"
    /// The server took the message or the log line.
    case taken = "wb22"
    /// The server has no message handler.
    case noHandler = "wb23"
    /// The server refuses.
    case refused = "wb24"
    /// Joined.
    case joined = "wb31"
    /// Not registered.
    case notRegistered = "wb41"
    /// Registered.
    case registered = "wb42"

    /// Of every answer: jQuery would parse, or run, what has a type of its own.
    static let fields: HTTPFields = [
        .contentType: "text/plain; charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
    ]

    /// The code as an answer.
    var response: Response { WatchboxCode.response(Array(rawValue.utf8)) }

    /// A body as an answer.
    static func response(_ body: [UInt8]) -> Response { Response(fields: fields, body: .bytes(body)) }
}
