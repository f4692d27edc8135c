// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

extension Endpoint {
    /// The host of an authority that this endpoint was read from: a name, or an address without brackets.
    func hostName(in authority: String) -> String {
        if case .name(let name, _) = self { return name }
        if authority.hasPrefix("[") {
            return String(authority.dropFirst().prefix { $0 != "]" && $0 != "%" })
        }
        return String(authority.prefix { $0 != ":" })
    }
}
