// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// One extension of a `Sec-WebSocket-Extensions` field, with its parameters (RFC 6455, §9.1).
struct WebSocketExtension {
    /// The name in lower case.
    let name: String
    /// Names in lower case, with the values they have, in order; quotes are gone.
    let parameters: [(name: String, value: String?)]

    /// The extensions that a field names, in order.
    static func parse(_ value: String) -> [WebSocketExtension] {
        FieldList.elements(value).compactMap { element in
            let parts = FieldList.split(element, at: ";")
            guard let name = parts.first else { return nil }
            let parameters = parts.dropFirst().map { part -> (name: String, value: String?) in
                let sides = FieldList.split(part, at: "=")
                let value = sides.count > 1 ? unquoted(sides[1]) : part.contains("=") ? "" : nil
                return (sides.first.map { $0.lowercased() } ?? "", value)
            }
            return WebSocketExtension(name: name.lowercased(), parameters: parameters)
        }
    }

    private static func unquoted(_ value: Substring) -> String {
        guard value.count >= 2, value.first == "\"", value.last == "\"" else { return String(value) }
        return String(value.dropFirst().dropLast())
    }
}
