// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryChatBox

/// A box of whatever types of ids.
protocol PeerBox: Sendable {
    var worker1: any PeerWorker { get }
    var worker2: any PeerWorker { get }
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

    func close() async {
        await box.close()
        _ = await run.result
    }
}
