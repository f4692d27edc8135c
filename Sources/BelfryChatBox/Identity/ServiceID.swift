// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a service knows its clients by: a value with a text form, which is what the database holds.
///
/// `UUID`, `String`, `Int` and `Double` are such; other types conform with two members. Clients are looked up by their
/// text, byte by byte, so equal ids must have equal texts.
public protocol ServiceID: Hashable, Sendable {
    /// Reads a text form; nil when it is none.
    init?(serviceText: String)
    /// The text form.
    var serviceText: String { get }
    /// A new id for a client that comes without one; nil, the default, when the service must name it.
    static func random() -> Self?
}

extension ServiceID {
    /// None.
    public static func random() -> Self? { nil }
}
