// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryChatBox
import BelfryHTTP
import BelfryIO
import Foundation

/// A box of whatever types of ids.
protocol PeerBox: Sendable {
    var worker1: any PeerWorker { get }
    var worker2: any PeerWorker { get }
    /// Serves the box's page, and returns the port; an error where service 1 has no UUIDs.
    func serve(broker: Broker) async throws -> JSON
    func close() async
}

/// A worker of a box, whose ids are JSON values.
protocol PeerWorker: Sendable {
    func access(_ id: JSON, creates: Bool, other: JSON) async throws -> JSON
    func send(_ text: String, to id: JSON) async throws
    func uid(for id: JSON) async throws -> JSON
    func deactivate(_ id: JSON) async throws
    func queue(for id: JSON) async throws -> JSON
    func history(for id: JSON) async throws -> JSON

    // From the worker on the other side.

    /// Names what the create callback returns for an id of the other service.
    func answer(_ id: JSON, to other: String) async
    /// A message for this client has been stored.
    func expectMessage(for id: JSON) async
    /// The client is no longer active.
    func forget(_ id: JSON) async
}

/// A box that runs, with all callbacks set.
final class OpenBox<ID1: PeerID, ID2: PeerID>: PeerBox {
    let worker1: any PeerWorker
    let worker2: any PeerWorker
    private let box: ChatBox<ID1, ID2>
    private let run: Task<Void, any Error>

    init(_ box: ChatBox<ID1, ID2>, name: String, output: PeerOutput) async {
        self.box = box
        let (first, second) = (OpenWorker(box.worker1, name, output), OpenWorker(box.worker2, name, output))
        await first.setUp(peer: second)
        await second.setUp(peer: first)
        (worker1, worker2) = (first, second)
        run = Task { try await box.run() }
    }

    func serve(broker: Broker) async throws -> JSON {
        guard let box = box as? ChatBox<UUID, ID2> else { throw PeerError("cb.web: 's1_type' must be uuid") }
        let server = ChatBoxWeb(box).server(broker: broker, address: .loopback(port: 0))
        return .integer(Int64(try await server.start().port ?? 0))
    }

    func close() async {
        await box.close()
        _ = await run.result
    }
}
