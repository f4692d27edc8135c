// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryHTTP
import BelfryJSON
import HTTPTypes

/// The cookie that is a client's whole identity (Watchbox protocol, §1).
enum ClientCookie {
    private static let name = Array("__wb.client=".utf8)

    /// The first client that a request's cookies name and `isLive` knows: other servers of this host may have set others.
    static func client(of request: Request, isLive: (ClientID) -> Bool) -> ClientID? {
        for line in request.values(of: .cookie) {
            let bytes = Array(line.utf8)
            var start = 0
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: UInt8(ascii: ";")) ?? bytes.count
                var first = start
                while first < end, bytes[first] == ASCII.space { first += 1 }
                start = end + 1
                guard bytes[first..<end].starts(with: name),
                    let id = ClientID(bytes.span.extracting(first + name.count..<end)), isLive(id)
                else { continue }
                return id
            }
        }
        return nil
    }

    /// The value of `Set-Cookie` for a new client: for this session, and not for scripts or other sites' forms.
    static func setting(_ id: ClientID) -> String { "__wb.client=\(id); Path=/; HttpOnly; SameSite=Lax" }
}
