// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
import BelfryJSON

/// An event that a client sent to the server's application.
public struct NucosEvent: Sendable, Hashable {
    /// Whose it is; the one with the number 0 for a datagram, which belongs to nobody.
    public let session: SessionID
    /// Who that is; nil without authentication.
    public let uid: String?
    /// The event's name.
    public let event: String
    /// The content, any JSON.
    public let content: Payload
}

extension Payload {
    /// The text of a JSON string; nil for other JSON, and for what is no JSON.
    public var jsonString: String? {
        guard kind == .json else { return kind == .text ? text : nil }
        guard let value = try? JSONScanner.validate(bytes.span), value.kind == .string else { return nil }
        return value.text.string(in: bytes.span)
    }

    /// A JSON string of a text.
    public static func jsonString(_ text: String) -> Payload {
        var bytes: [UInt8] = []
        JSONWriter.append(text, hidingEOM: true, to: &bytes)
        return Payload(.json, bytes: bytes)
    }
}
