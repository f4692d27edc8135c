// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO

/// How an HTTP server is set up.
///
/// Every default is stated here. Timeouts are looked after about once a second.
public struct HTTPServerConfiguration: Sendable {
    /// Where it listens; port 0 lets the kernel choose.
    public var address: SocketAddress
    /// Bytes of a request line; a longer one gets 414.
    public var maxRequestLineBytes = 8 * 1024
    /// Bytes of a request's head, and again of its trailers; a larger one gets 431.
    public var maxHeadBytes = 32 * 1024
    /// Fields of a request; more get 431.
    public var maxFields = 100
    /// Bytes of a request's body; a larger one gets 413.
    public var maxBodyBytes = 1024 * 1024
    /// How long the head of a request may take from its first byte on; then 408.
    public var headerTimeout = Duration.seconds(10)
    /// How long the body of a request may take; then 408.
    public var bodyTimeout = Duration.seconds(30)
    /// How long a handler may take; then it is cancelled, and 503.
    public var handlerTimeout = Duration.seconds(60)
    /// How long a connection may be without a request before it is closed.
    public var keepAliveTimeout = Duration.seconds(60)
    /// How long a client may take for a portion of what is sent to it, of `maxPendingBytes` at most, before it is closed.
    public var writeTimeout = Duration.seconds(30)
    /// Bytes of answers that wait for a client before no further request of its is read.
    public var maxPendingBytes = 128 * 1024

    /// Makes a configuration with the defaults stated above.
    public init(address: SocketAddress = .loopback(port: 8_001)) { self.address = address }

    var limits: HTTPRequestDecoder.Limits {
        var limits = HTTPRequestDecoder.Limits()
        limits.maxRequestLineBytes = maxRequestLineBytes
        limits.maxHeadBytes = maxHeadBytes
        limits.maxFields = maxFields
        limits.maxBodyBytes = maxBodyBytes
        return limits
    }
}
