// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryChatBox
import BelfryIO
import Foundation
import Testing

/// What callbacks heard, in order.
final class Heard: Sendable {
    private let lines = Lock<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
    func removeAll() { lines.withLock { $0 = [] } }
}

/// A door that callbacks wait at.
final class Door: Sendable {
    private let waiters = Lock<(isOpen: Bool, waiting: [Parker<Void>])>((false, []))

    func pass() async {
        let parker = Parker<Void>()
        let isOpen = waiters.withLock { state in
            if !state.isOpen { state.waiting.append(parker) }
            return state.isOpen
        }
        if !isOpen { _ = await parker.park() }
    }

    var waitingCount: Int { waiters.withLock { $0.waiting.count } }

    func open() {
        let waiting = waiters.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for parker in waiting { parker.unpark() }
    }
}

typealias TestBox = ChatBox<String, Int>

/// Runs `body` with a box in memory whose second service answers new clients with the next number from 101 on, and
/// closes it.
func withBox<Output>(
    configuration: ChatBoxConfiguration = .init(),
    _ body: (TestBox, Heard) async throws -> Output
) async throws -> Output {
    let box = try ChatBox(
        name: "test",
        service1: String.self,
        service2: Int.self,
        debug: true,
        configuration: configuration
    )
    let heard = Heard()
    let next = Lock(100)
    box.worker2.onCreate { peer in
        heard.add("create \(peer)")
        return next.withLock { number in
            number += 1
            return number
        }
    }
    box.worker2.onNewAccess { heard.add("access \($0)") }
    do {
        let output = try await body(box, heard)
        await box.close()
        return output
    } catch {
        await box.close()
        throw error
    }
}

/// Runs `body` with the path of a file, without `.db`, that is gone afterwards.
func withFile<Output>(_ body: (String) async throws -> Output) async throws -> Output {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("belfry-chatbox-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.appendingPathComponent("box").path)
}

extension Queue {
    /// The next `count` elements.
    func first(_ count: Int) async throws -> [Value] {
        var found: [Value] = []
        var iterator = makeAsyncIterator()
        while found.count < count, case .element(let value)? = try await iterator.next() { found.append(value) }
        return found
    }
}

extension ChatBox.Message {
    /// Number of the service and text.
    var line: String { "\(sentBy.rawValue) \(content)" }
}

/// Expects a closure to throw a chat box's error of this code.
func expectError(
    _ code: ChatBoxError.Code,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("no error; \(code) was expected", sourceLocation: sourceLocation)
    } catch {
        #expect((error as? ChatBoxError)?.code == code, "\(error)", sourceLocation: sourceLocation)
    }
}
