// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension SocketAddress {
    /// Reads `127.0.0.1:4000`, `[::1]:4000` or `unix:/run/belfry.sock`, as `description` writes them.
    ///
    /// - Throws: ``IOError`` `.badAddress`, also for a host name, which ``Endpoint`` reads.
    public init(parsing text: String) throws(IOError) {
        switch try Endpoint(parsing: text) {
        case .address(let address): self = address
        case .name(let host, _): throw IOError(.badAddress, "'\(host)' is a name, not an address")
        }
    }
}
