// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Testing

@Suite("Network interfaces", .timeLimit(.minutes(3)))
struct NetworkInterfaceTests {
    @Test("the loopback device has its address, with the port that is asked for")
    func loopback() {
        #expect(NetworkInterface.ipv4Address(named: "lo") == .loopback(port: 0))
        #expect(NetworkInterface.ipv4Address(named: "lo", port: 30_000) == .loopback(port: 30_000))
        #expect(NetworkInterface.ipv4Address(named: "no such device") == nil)
    }

    @Test("each interface is listed once")
    func all() {
        let names = NetworkInterface.all.map(\.name)
        #expect(names.contains("lo"))
        #expect(Set(names).count == names.count)
    }
}
