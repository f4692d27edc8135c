// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import CLinux
import Glibc

/// What other threads want from the thread that reads lines, and the descriptor that wakes it.
final class LineEvents: Sendable {
    /// What came since it was asked last.
    struct News: Sendable {
        var texts: [String] = []
        var lostTexts = 0
        var isResized = false
        var isResumed = false
    }

    /// What the thread is to do next.
    enum Wish: Sendable {
        case read
        case write(String)
    }

    private struct State: Sendable {
        var wish: Wish?
        var isEnded = false
        var news = News()
    }

    private static let maxTexts = 256
    private let state = Lock(State())
    private let descriptor: Int32

    init() throws(IOError) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard descriptor >= 0 else { throw IOError(errno: errno, "make an eventfd") }
    }

    deinit { _ = close(descriptor) }

    // MARK: For any thread

    /// Asks for something; false when it is over.
    func ask(_ wish: Wish) -> Bool {
        let isOpen = state.withLock { state in
            state.wish = wish
            return !state.isEnded
        }
        wake()
        return isOpen
    }

    func end() { change { $0.isEnded = true } }
    func resize() { change { $0.news.isResized = true } }
    func resume() { change { $0.news.isResumed = true } }

    func show(_ text: String) {
        change { state in
            if state.news.texts.count < Self.maxTexts {
                state.news.texts.append(text)
            } else {
                state.news.lostTexts += 1
            }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        wake()
    }

    private func wake() {
        var one: UInt64 = 1
        _ = unsafe write(descriptor, &one, 8)
    }

    // MARK: For the thread that reads

    /// What ended a wait.
    enum Arrival {
        case input, news(News), end
    }

    /// Waits for a wish, and hands over what comes meanwhile; nil when there is nothing more to do.
    func nextWish(_ tell: (News) -> Void) -> Wish? {
        while true {
            let (isEnded, news) = take()
            tell(news)
            if isEnded { return nil }
            if let wish = state.withLock({ $0.wish.take() }) { return wish }
            wait(for: [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)])
        }
    }

    /// Waits until standard output takes more; false when it is over.
    func waitForOutput() -> Bool {
        while true {
            let polled = wait(for: [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0),
            ])
            if polled[0].revents != 0 {
                reset()
                // News waits until what is being written stands there whole.
                if state.withLock(\.isEnded) { return false }
            }
            if polled[1].revents != 0 { return true }
        }
    }

    /// Waits until standard input can be read, something came, or it is over.
    func waitForInput() -> Arrival {
        while true {
            let polled = wait(for: [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
            ])
            // A descriptor that is at its end, broken or closed is for read(2) to tell.
            if polled[0].revents == 0 && polled[1].revents != 0 { return .input }
            if polled[0].revents != 0 {
                let (isEnded, news) = take()
                return isEnded ? .end : .news(news)
            }
        }
    }

    private func take() -> (isEnded: Bool, news: News) {
        reset()
        return state.withLock { state in
            let news = state.news
            state.news = News()
            return (state.isEnded, news)
        }
    }

    private func reset() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, 8)
    }

    @discardableResult
    private func wait(for descriptors: [pollfd]) -> [pollfd] {
        var polled = descriptors
        let count = unsafe poll(&polled, nfds_t(polled.count), -1)
        return count > 0 ? polled : descriptors
    }
}
