// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import DequeModule
import Glibc
import Synchronization

/// A few threads that look up names, started when there is something to do and gone when there is not.
final class ResolverThreads: Sendable {
    private struct State: ~Copyable {
        var waiting: Deque<ResolverRequest> = []
        var running = 0
    }

    private let state = Lock(State())
    private let maxThreads: Int
    private let maxWaiting: Int
    private let lookUp: @Sendable (String, UInt16) -> Result<[SocketAddress], IOError>

    init(
        maxThreads: Int,
        maxWaiting: Int,
        lookUp: @escaping @Sendable (String, UInt16) -> Result<[SocketAddress], IOError>
    ) {
        self.maxThreads = max(maxThreads, 1)
        self.maxWaiting = max(maxWaiting, 1)
        self.lookUp = lookUp
    }

    private enum Admission {
        case needsThread, waits, refused
    }

    /// Has a name looked up; the request hears the answer, or why there is none.
    func submit(_ request: ResolverRequest) {
        let admission = state.withLock { state -> Admission in
            // Those that nobody waits for any more hold no place.
            if state.waiting.count >= maxWaiting {
                state.waiting.removeAll { $0.isAbandoned.load(ordering: .relaxed) }
            }
            guard state.waiting.count < maxWaiting else { return .refused }
            state.waiting.append(request)
            guard state.running < maxThreads else { return .waits }
            state.running += 1
            return .needsThread
        }
        switch admission {
        case .waits: break
        case .refused: fail(request, "too many names are being looked up")
        case .needsThread: startThread()
        }
    }

    private func fail(_ request: ResolverRequest, _ why: String) {
        request.answer.unpark(.failure(IOError(.nameNotResolved, "look up '\(request.name)': \(why)")))
    }

    private func startThread() {
        let answer = DetachedThread.start { [self] in run() }
        guard answer != 0 else { return }
        // Other threads, if there are any, still serve the queue; else nobody would.
        let stranded = state.withLock { state -> [ResolverRequest] in
            state.running -= 1
            guard state.running == 0 else { return [] }
            defer { state.waiting = [] }
            return Array(state.waiting)
        }
        for request in stranded { fail(request, systemMessage(answer)) }
    }

    private func run() {
        while let request = next() {
            guard !request.isAbandoned.load(ordering: .relaxed) else { continue }
            request.answer.unpark(lookUp(request.name, request.port))
        }
    }

    private func next() -> ResolverRequest? {
        state.withLock { state in
            if let request = state.waiting.popFirst() { return request }
            state.running -= 1
            return nil
        }
    }
}
