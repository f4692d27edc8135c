// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryPocketsocket
import Testing

@Suite("Pocketsocket addresses", .timeLimit(.minutes(3)))
struct PocketsocketAddressTests {
    typealias Address = PocketsocketClient.Address

    @Test(
        "addresses are read as people write them",
        arguments: [
            ("127.0.0.1", "127.0.0.1:8001", "ws://127.0.0.1:8001/"),
            ("127.0.0.1:81", "127.0.0.1:81", "ws://127.0.0.1:81/"),
            (" localhost:81 ", "localhost:81", "ws://localhost:81/"),
            ("example.org", "example.org:8001", "ws://example.org:8001/"),
            ("example.org/a/b", "ws://example.org:8001/a/b", "ws://example.org:8001/a/b"),
            ("ws://127.0.0.1", "127.0.0.1:8001", "ws://127.0.0.1:8001/"),
            ("WS://127.0.0.1:82/", "127.0.0.1:82", "ws://127.0.0.1:82/"),
            ("ws://[::1]:8002/path?x=1", "ws://[::1]:8002/path?x=1", "ws://[::1]:8002/path?x=1"),
            ("ws://host?x=a:b", "ws://host:8001/?x=a:b", "ws://host:8001/?x=a:b"),
            ("[::1]", "[::1]:8001", "ws://[::1]:8001/"),
            ("::1", "[::1]:8001", "ws://[::1]:8001/"),
            ("2001:db8::7", "[2001:db8::7]:8001", "ws://[2001:db8::7]:8001/"),
        ]
    )
    func read(_ text: String, _ description: String, _ url: String) throws {
        let address = try Address(text)
        #expect(address.description == description)
        #expect(address.url == url)
        #expect(try Address(url) == address)
    }

    @Test(
        "what is no address is said to be none",
        arguments: [
            "", ":8001", "host:", "host:0", "host:65536", "host:+1", "host:1x", "host:１", "wss://host", "http://host",
            "ws://", "ws://a@host", "ho st", "host/#part", "host/ö", "[::1", "[::1]8001", "1.2.3", "a:b:c", "a/\u{7F}",
            "unix:/tmp/x", "ws://host\r\nX: y", "[::1]:1:2",
        ]
    )
    func bad(_ text: String) {
        #expect { try Address(text) } throws: { ($0 as? PocketsocketClientError)?.code == .badAddress }
    }

    @Test("lists are mixed, or flat")
    func lists() throws {
        func list(_ hosts: [String], _ ports: [UInt16], _ list: PocketsocketClient.List = .mix) throws -> [String] {
            try Address.list(hosts, ports: ports, list).map(\.description)
        }
        #expect(try list(["a", "b"], [1, 2]) == ["a:1", "a:2", "b:1", "b:2"])
        #expect(try list(["a", "b"], [1, 2], .flat) == ["a:1", "b:2"])
        #expect(try list(["a:7/x", "::1"], [1]) == ["ws://a:1/x", "[::1]:1"])
        #expect(try list(["a:7", "b"], []) == ["a:7", "b:8001"])
        #expect(throws: PocketsocketClientError.self) { try list(["a", "b"], [1], .flat) }
        #expect(throws: PocketsocketClientError.self) { try list(["a"], [0]) }
    }

    @Test("a client takes each server once, and needs one")
    func servers() throws {
        let client = try PocketsocketClient(["127.0.0.1", "ws://127.0.0.1:8001/", "localhost"], io: .epoll)
        #expect(client.servers.map(\.description) == ["127.0.0.1:8001", "localhost:8001"])
        let mixed = try PocketsocketClient(addresses: ["a", "b"], ports: [1, 2], io: .epoll)
        #expect(mixed.servers.count == 4)
        #expect(throws: PocketsocketClientError.self) { try PocketsocketClient([], io: .epoll) }
    }
}
