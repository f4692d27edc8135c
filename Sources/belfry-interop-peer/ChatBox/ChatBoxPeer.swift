// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryChatBox
import Foundation
import Logging

/// The ChatBox operations, and `cb.web`, which serves a box's page and returns the port.
actor ChatBoxPeer: PeerSystem {
    private let configuration: BrokerConfiguration
    private let logger: Logger
    private let output: PeerOutput
    private var boxes: [String: any PeerBox] = [:]
    /// Whose loops the web servers run on; nil until there is one.
    private var broker: Broker?

    init(broker configuration: BrokerConfiguration, logger: Logger, output: PeerOutput) {
        self.configuration = configuration
        self.logger = logger
        self.output = output
    }

    // MARK: Order

    /// The last request of each box that was no access, and the accesses since.
    private var last: [String: (step: Task<Void, Never>?, accesses: [Task<Void, Never>])] = [:]

    /// Accesses run side by side, and everything else after what came before.
    func last(of request: PeerRequest) -> Task<Void, Never>? {
        guard let (step, accesses) = last[request.name] else { return nil }
        guard request.op != "cb.access", !accesses.isEmpty else { return step }
        return Task { for access in accesses { await access.value } }
    }

    func note(_ task: Task<Void, Never>, for request: PeerRequest) {
        if request.op == "cb.access" {
            last[request.name, default: (nil, [])].accesses.append(task)
        } else {
            last[request.name] = (task, [])
        }
    }

    // MARK: Operations

    func perform(_ request: PeerRequest) async throws -> JSON {
        if request.op == "cb.open" { return try await open(request) }
        guard let box = boxes[request.name] else { throw PeerError("no box is named '\(request.name)'") }
        if request.op == "cb.close" {
            boxes[request.name] = nil
            await box.close()
            return .null
        }
        if request.op == "cb.web" {
            let broker = try self.broker ?? Broker(configuration: configuration, logger: logger)
            self.broker = broker
            return try await box.serve(broker: broker)
        }
        switch request.value("worker") {
        case .integer(1): return try await perform(request, at: box.worker1)
        case .integer(2): return try await perform(request, at: box.worker2)
        default: throw PeerError("\(request.op): 'worker' must be 1 or 2")
        }
    }

    private func perform(_ request: PeerRequest, at worker: any PeerWorker) async throws -> JSON {
        let id = request.value("id")
        switch request.op {
        case "cb.access":
            let creates = request.value("create") == .null ? true : try request.flag("create")
            return try await worker.access(id, creates: creates, other: request.value("other_id"))
        case "cb.send":
            try await worker.send(try request.text("content"), to: id)
            return .null
        case "cb.uid": return try await worker.uid(for: id)
        case "cb.deactivate":
            try await worker.deactivate(id)
            return .null
        case "cb.queue": return try await worker.queue(for: id)
        case "cb.history": return try await worker.history(for: id)
        default: throw PeerError("unknown op '\(request.op)'")
        }
    }

    private func open(_ request: PeerRequest) async throws -> JSON {
        guard boxes[request.name] == nil else { throw PeerError("a box is named '\(request.name)' already") }
        boxes[request.name] =
            switch try request.text("s1_type") {
            case "uuid": try await open(request, UUID.self)
            case "int": try await open(request, Int.self)
            case "str": try await open(request, String.self)
            default: throw PeerError("cb.open: 's1_type' must be uuid, int or str")
            }
        return .null
    }

    private func open<ID1: PeerID>(_ request: PeerRequest, _ first: ID1.Type) async throws -> any PeerBox {
        switch try request.text("s2_type") {
        case "uuid": try await open(request, first, UUID.self)
        case "int": try await open(request, first, Int.self)
        case "str": try await open(request, first, String.self)
        default: throw PeerError("cb.open: 's2_type' must be uuid, int or str")
        }
    }

    private func open<ID1: PeerID, ID2: PeerID>(
        _ request: PeerRequest,
        _ first: ID1.Type,
        _ second: ID2.Type
    ) async throws -> any PeerBox {
        let box = try ChatBox(name: try request.text("file"), service1: first, service2: second, logger: logger)
        return await OpenBox(box, name: request.name, output: output)
    }
}
