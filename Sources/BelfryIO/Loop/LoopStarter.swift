// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Starts a loop's thread and makes its backend there, since an io_uring of a single issuer belongs to one thread.
///
/// Two steps, because the loop object needs the backend's waker before the thread may run it.
// Safe because the fields are handed over under the lock, once each way.
final class LoopStarter: Sendable {
    private struct State: ~Copyable {
        var made: Result<LoopWaker, IOError>?
        var loop: EventLoop?
    }

    private let backend: BackendKind
    private let options: IOOptions
    private let state = Lock(State())
    private let step = Step()

    init(backend: BackendKind, options: IOOptions) {
        self.backend = backend
        self.options = options
    }

    /// Makes the backend on a new thread.
    func start() throws(IOError) -> LoopWaker {
        let answer = DetachedThread.start { [self] in runThread() }
        guard answer == 0 else { throw IOError(errno: answer, "start an event loop's thread") }
        step.wait(for: 1)
        guard let made = state.withLock({ $0.made }) else { throw IOError(.system, "the loop's thread did not start") }
        return try made.get()
    }

    /// Lets the thread run the loop; returns when its thread knows it.
    func run(_ loop: EventLoop) {
        state.withLock { $0.loop = loop }
        step.advance(to: 2)
        step.wait(for: 3)
    }

    private func runThread() {
        // The engine is gone, with all its descriptors, before anybody hears of the end.
        serve()?.conclude()
    }

    private func serve() -> EventLoop? {
        let made: Result<any ReactorCore, IOError>
        do throws(IOError) {
            made = .success(try Self.makeReactor(backend, options))
        } catch {
            made = .failure(error)
        }
        state.withLock { $0.made = made.map { $0.waker } }
        step.advance(to: 1)
        guard case .success(let reactor) = made else { return nil }
        step.wait(for: 2)
        guard let loop = state.withLock({ $0.loop.take() }) else { return nil }
        loop.runOnThisThread(reactor) { [step] in step.advance(to: 3) }
        return loop
    }

    private static func makeReactor(_ kind: BackendKind, _ options: IOOptions) throws(IOError) -> any ReactorCore {
        switch kind {
        case .epoll:
            return Reactor(try EpollBackend(options))
        case .uring:
            #if Uring
            return Reactor(try UringBackend(options))
            #else
            throw IOError(.unavailable, "this build has no io_uring (package trait Uring)")
            #endif
        case .simulated:
            return Reactor(try SimulatedBackend(options))
        }
    }
}

/// A number that only grows, to wait for.
// Safe because the fields are only touched under the mutex.
@safe private final class Step: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value = 0

    init() {
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    func advance(to step: Int) {
        unsafe pthread_mutex_lock(mutex)
        value = step
        unsafe pthread_cond_broadcast(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    func wait(for step: Int) {
        unsafe pthread_mutex_lock(mutex)
        while value < step { unsafe pthread_cond_wait(condition, mutex) }
        unsafe pthread_mutex_unlock(mutex)
    }
}
