// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a message carries: immutable bytes and what they are.
///
/// Copies share the bytes.
public struct Payload: Sendable, Hashable {
    /// How the bytes are to be read.
    public enum Kind: String, Sendable, Hashable {
        /// A JSON text (RFC 8259) in UTF-8; the core never parses it.
        case json
        /// Plain text in UTF-8.
        case text
        /// Anything.
        case binary
    }

    /// How the bytes are to be read.
    public let kind: Kind
    /// The bytes.
    public let bytes: [UInt8]

    /// Makes a payload of any kind.
    public init(_ kind: Kind, bytes: [UInt8]) {
        self.kind = kind
        self.bytes = bytes
    }

    /// A JSON text.
    ///
    /// It is not checked here; front-ends that send it as JSON are.
    public static func json(_ text: String) -> Payload { Payload(.json, bytes: Array(text.utf8)) }

    /// A plain text.
    public static func text(_ text: String) -> Payload { Payload(.text, bytes: Array(text.utf8)) }

    /// Bytes.
    public static func binary(_ bytes: [UInt8]) -> Payload { Payload(.binary, bytes: bytes) }

    /// The bytes read as UTF-8; ill-formed sequences become U+FFFD.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
}
