// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryTLS

/// A client and a server in memory, which hand each other their bytes in pieces of a given size.
final class Pair {
    var client: TLSEngine
    var server: TLSEngine
    var isOpen: (client: Bool, server: Bool) { (client.isOpen, server.isOpen) }
    /// What arrived, in plaintext.
    var atClient: [UInt8] = []
    var atServer: [UInt8] = []
    var events: [String] = []
    let pieceBytes: Int

    init(
        _ certificates: Certificates,
        server name: String = "server",
        trusting authority: String? = "authority",
        host: String = "belfry.test",
        pieceBytes: Int = .max
    ) throws(TLSError) {
        let trusted = try TLSContext(authorities: authority.map { certificates.certificate($0) })
        let shown = try TLSContext(certificate: certificates.certificate(name), key: certificates.key(name))
        var client = try TLSEngine(trusted, host: host)
        try client.start()
        self.client = client
        server = try TLSEngine(shown)
        self.pieceBytes = pieceBytes
    }

    /// Carries bytes until both sides are silent; returns how many.
    @discardableResult
    func talk() throws(TLSError) -> Int {
        var carried = 0
        while true {
            var forServer: [UInt8] = []
            var forClient: [UInt8] = []
            client.drain { forServer.append($0) }
            server.drain { forClient.append($0) }
            if forServer.isEmpty, forClient.isEmpty { return carried }
            carried += forServer.count + forClient.count
            for start in stride(from: 0, to: forServer.count, by: min(pieceBytes, max(forServer.count, 1))) {
                server.feed(
                    forServer.span.extracting(start..<min(forServer.count, start &+ min(pieceBytes, forServer.count)))
                )
                events += try Self.read(&server, &atServer).map { "server \($0)" }
            }
            for start in stride(from: 0, to: forClient.count, by: min(pieceBytes, max(forClient.count, 1))) {
                client.feed(
                    forClient.span.extracting(start..<min(forClient.count, start &+ min(pieceBytes, forClient.count)))
                )
                events += try Self.read(&client, &atClient).map { "client \($0)" }
            }
        }
    }

    private static func read(
        _ engine: inout TLSEngine,
        _ plaintext: inout [UInt8]
    ) throws(TLSError) -> [TLSEngine.Event] {
        var events: [TLSEngine.Event] = []
        while true {
            let event = try engine.next(into: &plaintext)
            if event == .opened || event == .ended { events.append(event) }
            if event == .needsMore || event == .ended { return events }
        }
    }
}

extension [UInt8] {
    mutating func append(_ bytes: Span<UInt8>) { for index in bytes.indices { append(bytes[index]) } }
}
