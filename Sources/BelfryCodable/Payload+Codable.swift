// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import Foundation

extension Payload {
    /// Encodes a value as JSON.
    ///
    /// - Throws: `EncodingError` as the encoder says.
    public static func json(encoding value: some Encodable, with encoder: JSONEncoder = JSONEncoder()) throws -> Payload
    {
        Payload(.json, bytes: Array(try encoder.encode(value)))
    }

    /// Decodes a JSON payload.
    ///
    /// - Throws: `DecodingError` when the bytes are not JSON of that type; they came from outside, so expect it.
    public func decode<Value: Decodable>(
        _ type: Value.Type = Value.self,
        with decoder: JSONDecoder = JSONDecoder()
    ) throws -> Value {
        try decoder.decode(type, from: Data(bytes))
    }
}
