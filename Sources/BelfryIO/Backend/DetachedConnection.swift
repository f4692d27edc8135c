// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A connection on its way from one loop to another: closed if nobody takes it.
package final class DetachedConnection: Sendable {
    let family: Int32
    private let descriptor: Lock<Int32?>

    init(_ descriptor: consuming Descriptor, family: Int32) {
        self.family = family
        self.descriptor = Lock(descriptor.release())
    }

    deinit { _ = take() }

    /// The socket, once.
    func take() -> Descriptor? {
        guard let number = descriptor.withLock({ $0.take() }) else { return nil }
        return Descriptor(number)
    }
}
