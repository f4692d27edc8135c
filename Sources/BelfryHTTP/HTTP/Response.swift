// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes

/// What a handler answers.
///
/// `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are the server's: it sets them, and drops them from
/// `fields`.
public struct Response: Sendable {
    /// The status.
    public var status: HTTPResponse.Status
    /// The fields beside those that the server sets.
    public var fields: HTTPFields
    /// The body.
    public var body: Body
    /// Ends the connection behind this answer.
    public var closes = false

    /// Makes an answer.
    public init(status: HTTPResponse.Status = .ok, fields: HTTPFields = [:], body: Body = .none) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// An answer of plain text.
    public static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        bytes(Array(text.utf8), type: "text/plain; charset=utf-8", status: status)
    }

    /// An answer of bytes of some media type, as in `application/json`.
    public static func bytes(_ bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok) -> Response {
        var fields = HTTPFields()
        fields.append(HTTPField(name: .contentType, value: type))
        return Response(status: status, fields: fields, body: .bytes(bytes))
    }

    /// A body.
    public struct Body: Sendable {
        enum Content: Sendable {
            case none
            case bytes([UInt8])
            case stream(length: Int?, @Sendable (ResponseWriter) async throws -> Void)
        }

        let content: Content

        /// No body.
        public static let none = Body(content: .none)

        /// A body that is in memory; sent from there, never copied as a whole.
        public static func bytes(_ bytes: [UInt8]) -> Body { Body(content: .bytes(bytes)) }

        /// A body that is made while it is sent.
        ///
        /// - Parameters:
        ///   - length: Its bytes, if known; else it goes in chunks, or to an HTTP/1.0 client until the connection ends.
        ///   - write: Writes it; when it throws, or writes another number of bytes, the connection ends at once, so that
        ///     the client notices. Cancelled when the client goes.
        public static func stream(
            length: Int? = nil,
            _ write: @escaping @Sendable (ResponseWriter) async throws -> Void
        ) -> Body {
            Body(content: .stream(length: length, write))
        }
    }
}
