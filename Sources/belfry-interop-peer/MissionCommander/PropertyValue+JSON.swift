// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryMissionCommander

extension PropertyValue {
    /// What a driver wants a property to be, of whatever type.
    init(_ value: JSON) {
        switch value {
        case .null: self = .null
        case .bool(let value): self = .boolean(value)
        case .integer(let value): self = Int(exactly: value).map { .integer($0) } ?? .other("\(value)")
        case .number(let value): self = .other("\(value)")
        case .string(let value): self = .string(value)
        case .array: self = .other("an array")
        case .object: self = .other("an object")
        }
    }
}

extension JSON {
    /// What a property is.
    init(_ value: PropertyValue) {
        switch value {
        case .null: self = .null
        case .boolean(let value): self = .bool(value)
        case .integer(let value): self = .integer(Int64(value))
        case .string(let value), .other(let value): self = .string(value)
        }
    }
}
