// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryJSON
import Logging

/// All servers of a client together.
///
/// Loop-confined.
final class PocketsocketClientLinks {
    typealias Failure = PocketsocketClientError
    typealias MessageID = PocketsocketClient.MessageID
    typealias Receipt = PocketsocketClient.Receipt

    let inbox = PocketsocketClientInbox()
    private let loop: EventLoop
    private let maxBytes: Int
    private(set) var links: [PocketsocketClientLink] = []
    /// Those who wait for the first open connection.
    private var connecting: [Parker<Result<Void, Failure>>] = []
    private var closing: Task<Void, Never>?
    /// Since `connect`, the other clients were told that this one reached all of its servers.
    private var hasAnnounced = false

    init(
        _ servers: [PocketsocketClient.Address],
        _ configuration: PocketsocketClient.Configuration,
        loop: EventLoop,
        logger: Logger
    ) {
        self.loop = loop
        maxBytes = configuration.maxMessageBytes
        links = servers.map {
            PocketsocketClientLink($0, configuration, loop: loop, inbox: inbox, logger: logger, owner: self)
        }
    }

    // MARK: Life

    func connect() async throws(Failure) {
        while let closing { await closing.value }
        if links.allSatisfy({ !$0.isRunning }) { hasAnnounced = false }
        for link in links { link.start() }
        guard !links.contains(where: \.isOpen) else { return }
        let parker = Parker<Result<Void, Failure>>()
        connecting.append(parker)
        switch await parker.park() {
        case .value(let result): try result.get()
        case .cancelled:
            connecting.removeAll { $0 === parker }
            if connecting.isEmpty, !links.contains(where: \.isOpen) { await close() }
            throw Failure(.cancelled, "cancelled while connecting")
        }
    }

    func opened() {
        answer(.success(()))
        guard links.count > 1, !hasAnnounced, links.allSatisfy(\.isOpen) else { return }
        hasAnnounced = true
        for link in links {
            let address = link.address
            var json = Array(#"{"ip":"#.utf8)
            JSONWriter.append(address.host, to: &json)
            json += Array(#","port":\#(address.port),"name":"#.utf8)
            JSONWriter.append(address.name, to: &json)
            json.append(ASCII.closeBrace)
            let message = "socket.broadcast-all-connected"
            // The host has at most 253 bytes; a name that is too long is the application's own.
            guard let made = try? PocketsocketClientMessage(message, Payload(.json, bytes: json), maxBytes: maxBytes)
            else { continue }
            if case .refused(let error) = link.offer(made.item()) { link.report(error) }
        }
    }

    func gaveUp(_ link: PocketsocketClientLink) {
        guard links.allSatisfy({ !$0.isRunning }), closing == nil else { return }
        let names = links.map(\.address.description).joined(separator: ", ")
        let error = Failure(.gaveUp, "no server can be reached: \(names)")
        // Sequences that were made for a first connection wait for the next try.
        if connecting.isEmpty { inbox.end(error) } else { answer(.failure(error)) }
    }

    private func answer(_ result: Result<Void, Failure>) {
        let waiting = connecting
        connecting = []
        for parker in waiting { parker.unpark(result) }
    }

    func close() async {
        if closing == nil {
            answer(.failure(Failure(.closed, "the client was closed")))
            let links = LoopConfined(onLoop: self, loop)
            closing = Task(executorPreference: loop) { await links.value.closeAll() }
        }
        await closing?.value
    }

    private func closeAll() async {
        for task in links.map({ $0.close() }) { await task.value }
        inbox.end(nil)
        closing = nil
    }

    func abort() {
        for link in links { link.abort() }
        inbox.end(nil)
    }

    // MARK: Sending

    func link(to server: PocketsocketClient.Address) throws(Failure) -> PocketsocketClientLink {
        guard let link = links.first(where: { $0.address.url == server.url }) else {
            throw Failure(.unknownServer, "\(server) is not one of the client's servers")
        }
        return link
    }

    /// Gives each of some servers its item: at once to those with room, then to the others.
    ///
    /// - Returns: The servers that have it; the others have said `error`.
    /// - Throws: The first error when none has it.
    func send(
        to links: [PocketsocketClientLink],
        _ make: () -> PocketsocketClientOutbox.Item
    ) async throws(Failure) -> [(link: PocketsocketClientLink, item: PocketsocketClientOutbox.Item)] {
        var offers: [(PocketsocketClientLink, PocketsocketClientOutbox.Item, PocketsocketClientOutbox.Offer)] = []
        for link in links {
            let item = make()
            offers.append((link, item, link.offer(item)))
        }
        var taken: [(link: PocketsocketClientLink, item: PocketsocketClientOutbox.Item)] = []
        var errors: [(PocketsocketClientLink, Failure)] = []
        for (link, item, offer) in offers {
            switch offer {
            case .taken: taken.append((link, item))
            case .refused(let error): errors.append((link, error))
            case .waiting(let parker):
                switch await parker.park() {
                case .value(.success): taken.append((link, item))
                case .value(.failure(let error)): errors.append((link, error))
                case .cancelled where !link.outbox.withdraw(parker): taken.append((link, item))
                case .cancelled: errors.append((link, Failure(.cancelled, "cancelled while \(link.address) was slow")))
                }
            }
        }
        if taken.isEmpty, let (_, error) = errors.first { throw error }
        for (link, error) in errors { link.report(error) }
        return taken
    }

    /// Waits for the receipt of one message.
    func receipt(
        of item: PocketsocketClientOutbox.Item,
        from link: PocketsocketClientLink,
        within timeout: Duration
    ) async throws(Failure) -> Receipt {
        guard let parker = item.receipt else { throw Failure(.unconfirmed, "no receipt was asked for") }
        let ids = item.id.map { [$0] } ?? []
        let late = Failure(.timedOut, "no receipt from \(link.address) within \(timeout)", messageIDs: ids)
        let stopped = Failure(.unconfirmed, "the event loop stopped before the receipt", messageIDs: ids)
        let timer = loop.schedule(
            after: timeout,
            stopped: { parker.unpark(.failure(stopped)) },
            { parker.unpark(.failure(late)) }
        )
        defer { loop.cancel(timer) }
        switch await parker.park() {
        case .value(let result): return try result.get()
        case .cancelled: throw Failure(.cancelled, "cancelled while waiting for a receipt", messageIDs: ids)
        }
    }
}
