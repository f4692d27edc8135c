// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A plain value that a connection carries along: what a pickle holds that is no object.
public indirect enum PropertyValue: Sendable, Hashable {
    /// Python's `None`.
    case null
    /// `True` or `False`.
    case bool(Bool)
    /// A whole number that fits 64 bits.
    case int(Int)
    /// A floating-point number.
    case double(Double)
    /// A text.
    case text(String)
    /// A list; tuples are read as lists.
    case list([PropertyValue])
    /// A dictionary; its keys are plain values as well, in practice texts.
    case dictionary([PropertyValue: PropertyValue])
}

extension PropertyValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension PropertyValue: ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    /// A floating-point number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A list.
    public init(arrayLiteral elements: PropertyValue...) { self = .list(elements) }
    /// A dictionary; of equal keys the last one counts.
    public init(dictionaryLiteral elements: (PropertyValue, PropertyValue)...) {
        self = .dictionary(Dictionary(elements) { $1 })
    }
}
