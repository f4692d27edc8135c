// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Glibc

/// A value that only one thread at a time can reach, guarded by a POSIX mutex.
///
/// Mutex and state share one heap block, so their addresses never change. The lock is not recursive: a nested
/// `withLock` on the same lock deadlocks, in debug builds it traps. Keep the scope short, never suspend, resume a
/// continuation or call out to unknown code in it, and never hold two locks at once.
///
/// `Synchronization.Mutex` is not used because the thread sanitiser can't see its futex calls and reports races that
/// are none.
@safe
@usableFromInline
package struct Lock<State: ~Copyable>: ~Copyable {
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline let state: UnsafeMutablePointer<State>

    /// Creates an unlocked lock around `initial`.
    @inlinable
    package init(_ initial: consuming sending State) {
        let alignment = unsafe max(MemoryLayout<pthread_mutex_t>.alignment, MemoryLayout<State>.alignment)
        // Alignments are powers of two: round the mutex's size up to the next place a `State` may stand.
        let offset = unsafe (MemoryLayout<pthread_mutex_t>.size + alignment - 1) & ~(alignment - 1)
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: offset + MemoryLayout<State>.size,
            alignment: alignment
        )
        unsafe self.mutex = unsafe block.bindMemory(to: pthread_mutex_t.self, capacity: 1)
        unsafe self.state = unsafe (block + offset).bindMemory(to: State.self, capacity: 1)
        unsafe self.state.initialize(to: initial)
        var attributes = pthread_mutexattr_t()
        unsafe pthread_mutexattr_init(&attributes)
        #if DEBUG
        unsafe pthread_mutexattr_settype(&attributes, CInt(PTHREAD_MUTEX_ERRORCHECK))
        #endif
        let result = unsafe pthread_mutex_init(mutex, &attributes)
        // Fails for want of memory alone, where allocating would have ended the program as well.
        guard result == 0 else { fatalError("Lock: pthread_mutex_init failed with error \(result)") }
        unsafe pthread_mutexattr_destroy(&attributes)
    }

    @inlinable
    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe state.deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(mutex).deallocate()
    }

    /// Runs `body` with exclusive access to the state and hands on what it returns or throws.
    ///
    /// Blocks the calling thread while another one is inside.
    @inlinable
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        let result = unsafe pthread_mutex_lock(mutex)
        // Only the error-checking mutex of debug builds ever fails here: this thread holds the lock already.
        guard result == 0 else { fatalError("Lock: locked again by the thread that holds it") }
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&state.pointee)
    }
}

// Safe because the state is reached only inside `withLock`, between locking and unlocking the mutex, and enters and
// leaves as `sending`, so no reference to it stays behind on either side.
extension Lock: @unchecked Sendable where State: ~Copyable {}
