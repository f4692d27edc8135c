// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A property's value whose type is known only at run time: for a command line, and for programs that drive others.
public enum PropertyValue: Sendable, Hashable {
    /// A text.
    case string(String)
    /// A whole number.
    case integer(Int)
    /// True or false.
    case boolean(Bool)
    /// No value: the property is unset.
    case null
    /// Anything else (a fraction, an array, an object), as it is written in JSON.
    case other(String)
}

extension PropertyValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// True or false.
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    /// No value.
    public init(nilLiteral: ()) { self = .null }
}

extension PropertyValue {
    /// The text of an optional; nil is `.null`.
    public init(_ value: String?) { self = value.map(Self.string) ?? .null }
    /// The number of an optional; nil is `.null`.
    public init(_ value: Int?) { self = value.map(Self.integer) ?? .null }
}

extension PropertyValue: CustomStringConvertible {
    /// The value as the original's command line shows it: `None` when unset (MissionCommander wire, §8).
    public var description: String {
        switch self {
        case .string(let text), .other(let text): text
        case .integer(let number): "\(number)"
        case .boolean(let value): value ? "True" : "False"
        case .null: "None"
        }
    }

    /// Reads a text that may be unset.
    ///
    /// - Parameter name: The property, as the message begins with it.
    /// - Throws: ``MissionCommanderError`` `.invalidValue` for any other type.
    package func text(_ name: String) throws(MissionCommanderError) -> String? {
        switch self {
        case .string(let text): text
        case .null: nil
        case .integer, .boolean, .other:
            throw MissionCommanderError(.invalidValue, "\(name) must be string value")
        }
    }

    /// Reads a port; a text of digits will do, as in the original (MissionCommander wire, §5.3).
    ///
    /// - Parameters:
    ///   - name: The property, as the message begins with it.
    ///   - bounds: The ports that are allowed.
    /// - Throws: ``MissionCommanderError`` `.invalidValue`.
    package func port(_ name: String, in bounds: ClosedRange<Int>) throws(MissionCommanderError) -> Int {
        let number: Int? =
            switch self {
            case .integer(let number): number
            case .string(let text): Int(text)
            case .boolean, .null, .other: nil
            }
        guard let number else { throw MissionCommanderError(.invalidValue, "\(name) must be integer value") }
        guard bounds.contains(number) else {
            throw MissionCommanderError(
                .invalidValue,
                "\(name) must be from \(bounds.lowerBound) to \(bounds.upperBound), not \(number)"
            )
        }
        return number
    }
}
