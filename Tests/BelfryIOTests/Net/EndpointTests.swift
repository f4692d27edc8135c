// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Testing

@Suite("Endpoints", .timeLimit(.minutes(3)))
struct EndpointTests {
    @Test(
        "addresses are read as they are written",
        arguments: [
            "127.0.0.1:4000", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:4000", "[::]:1", "[2001:db8::1]:443",
            "[fe80::1%2]:9", "unix:/run/belfry.sock", "unix:relative",
        ]
    )
    func roundTrip(_ text: String) throws {
        #expect(try SocketAddress(parsing: text).description == text)
        #expect(try Endpoint(parsing: text).description == text)
    }

    @Test(
        "names are kept for the resolver",
        arguments: ["localhost:80", "example.org:443", "a-b_c.example.:1", "xn--bcher-kva.example:1", "10.example:1"]
    )
    func names(_ text: String) throws {
        let endpoint = try Endpoint(parsing: text)
        #expect(endpoint.description == text)
        guard case .name = endpoint else {
            Issue.record("\(text) was taken for an address")
            return
        }
        let error = #expect(throws: IOError.self) { try SocketAddress(parsing: text) }
        #expect(error?.code == .badAddress)
    }

    @Test(
        "what is neither is refused with a reason",
        arguments: [
            ("", "no port"), ("localhost", "no port"), (":4000", "no host"), ("localhost:", "not a port"),
            ("localhost:65536", "not a port"), ("localhost:-1", "not a port"), ("localhost:+1", "not a port"),
            ("localhost:４", "not a port"), ("::1:4000", "brackets"), ("[::1:4000", "not an IPv6"),
            ("[127.0.0.1]:4000", "not an IPv6"), ("[::1%eth0]:1", "not an IPv6"), ("[]:1", "not an IPv6"),
            ("1.2.3:80", "not an IPv4"), ("1.2.3.256:80", "not an IPv4"), ("a..b:80", "neither"),
            ("spa ce:80", "neither"), ("bücher.example:80", "neither"), ("*:80", "neither"), ("unix:", "1 to 107"),
            ("unix:" + String(repeating: "x", count: 108), "1 to 107"),
            (String(repeating: "x", count: 64) + ":1", "neither"),
        ]
    )
    func refused(_ text: String, _ reason: String) {
        let error = #expect(throws: IOError.self) { try Endpoint(parsing: text) }
        #expect(error?.code == .badAddress)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }
}
