// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO

/// How a nucosMQ server is set up.
///
/// Every default is stated here.
public struct NucosServerConfiguration: Sendable {
    /// Where it listens; port 0 lets the kernel choose.
    public var address: SocketAddress
    /// Who may come in; nil lets everybody in, anonymously.
    public var authenticator: (any NucosAuthenticator)?
    /// Takes one connection at a time and closes further ones at once, as a link does.
    public var singleServer = false
    /// Takes datagrams instead of connections: every event goes to the application, nothing is answered.
    ///
    /// Without handshake, whatever the authenticator; there are no rooms, and nobody to send to.
    public var udp = false
    /// How long a client may be silent before it is closed.
    public var idleTimeout = Duration.seconds(300)
    /// How long a client has for each of its two answers in the handshake.
    public var stepTimeout = Duration.seconds(5)
    /// Bytes of one message on the wire, at least 64.
    public var maxFrameBytes = 16 * 1024 * 1024
    /// Events that wait for the application's callbacks before clients are held back.
    public var maxQueuedEvents = 4_096

    /// Makes a configuration with the defaults stated above.
    public init(
        address: SocketAddress = .loopback(port: 4_000),
        authenticator: (any NucosAuthenticator)? = nil
    ) {
        self.address = address
        self.authenticator = authenticator
    }

    func duration(of timeout: NucosTimeout) -> Duration {
        switch timeout {
        case .step: stepTimeout
        case .idle: idleTimeout
        case .close: timeout.suggested
        }
    }
}
