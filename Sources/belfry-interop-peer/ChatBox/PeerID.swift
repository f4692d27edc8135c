// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryChatBox
import Foundation

/// An id that travels as a JSON value.
protocol PeerID: ServiceID {
    init?(json: JSON)
    var json: JSON { get }
}

extension PeerID {
    /// As an argument; what is none is an error.
    static func read(_ json: JSON) throws -> Self {
        guard let id = Self(json: json) else { throw PeerError("an id must be a \(Self.self)") }
        return id
    }
}

extension UUID: PeerID {
    init?(json: JSON) {
        guard let text = json.text else { return nil }
        self.init(serviceText: text)
    }

    var json: JSON { .string(serviceText) }
}

extension String: PeerID {
    init?(json: JSON) {
        guard let text = json.text else { return nil }
        self = text
    }

    var json: JSON { .string(self) }
}

extension Int: PeerID {
    init?(json: JSON) {
        guard case .integer(let number) = json else { return nil }
        self.init(exactly: number)
    }

    var json: JSON { .integer(Int64(self)) }
}
