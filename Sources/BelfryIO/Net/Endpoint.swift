// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package struct Endpoint {
    let address: SocketAddress
    package init(parsing text: String) throws(IOError) {
        if text.hasPrefix("unix:") { address = .unix(path: String(text.dropFirst(5))); return }
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]),
            let a = SocketAddress(numericHost: String(parts[0]), port: port)
        else { throw IOError(.badAddress, "bad address \(text)") }
        address = a
    }
    package func firstAddress() async throws(IOError) -> SocketAddress { address }
}
