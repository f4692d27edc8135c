// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import HTTPTypes

/// The cookie that is the client's whole identity (Watchbox protocol, §1).
struct WatchboxClientCookie {
    private static let name = "__wb.client="
    /// As it is sent back; nil before the first registration.
    private(set) var field: String?

    /// Takes the cookie that an answer sets, if it does; whether that is another one.
    mutating func take(from response: HTTPClientResponse) -> Bool {
        for value in response.fields[values: .setCookie] where value.hasPrefix(Self.name) {
            let pair = value.prefix { $0 != ";" }
            let isSound = pair.utf8.dropFirst(Self.name.utf8.count).allSatisfy {
                (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x2C && $0 != 0x5C
            }
            guard isSound, pair.utf8.count <= 512, pair.utf8.count > Self.name.utf8.count else { continue }
            let isNew = field != String(pair)
            field = String(pair)
            return isNew
        }
        return false
    }
}
