// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
import BelfryCodable
import BelfryJSON

/// What a MissionCommander server tells its clients: a subject and a JSON object (MissionCommander wire, §7).
public struct Message: Sendable, Hashable {
    /// What it is about; with the length of the payload it has to fit into a header of 64 bytes, which sending checks.
    public let subject: String
    /// A JSON object; in a message that was received, any JSON value.
    public let payload: Payload

    /// The payload, under the name that the original's README uses.
    public var body: Payload { payload }

    /// Makes a message.
    ///
    /// - Throws: ``MissionCommanderError`` `.invalidPayload` unless the payload is a JSON object.
    public init(subject: String, payload: Payload = .json("{}")) throws(MissionCommanderError) {
        guard payload.kind == .json else {
            throw MissionCommanderError(.invalidPayload, "The payload is \(payload.kind.rawValue), not JSON")
        }
        let value: JSONValue
        do throws(JSONFault) {
            value = try JSONScanner.validate(payload.bytes.span)
        } catch {
            throw MissionCommanderError(
                .invalidPayload,
                "The payload is not JSON: \(error.rule.rawValue), at byte \(error.offset)"
            )
        }
        guard value.kind == .object else {
            throw MissionCommanderError(.invalidPayload, "The payload is not a JSON object")
        }
        self.init(received: subject, payload)
    }

    /// Makes a message of a value that encodes as a JSON object.
    ///
    /// - Throws: `EncodingError`; ``MissionCommanderError`` `.invalidPayload` for a value that is no object.
    public init(subject: String, encoding value: some Encodable) throws {
        try self.init(subject: subject, payload: .json(encoding: value))
    }

    /// A message that came over the wire, with whatever JSON value it has.
    package init(received subject: String, _ payload: Payload) {
        self.subject = subject
        self.payload = payload
    }

    /// Decodes the payload.
    ///
    /// - Throws: `DecodingError` when it is not of that type; it may come from outside, so expect it.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try payload.decode(type)
    }
}
