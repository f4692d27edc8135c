// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Who hears what happens on a handle.
///
/// Called on the loop's thread only, after the turn's harvest, never re-entrantly.
///
/// Every method has an empty default.
package protocol IOHandler: AnyObject {
    /// A listener took a connection. Give it a handler and start receiving, or close it.
    func accepted(_ connection: IOHandle, on listener: IOHandle)
    /// A listener ran out of descriptors or memory; it tries again by itself (10 ms to 1 s later).
    func starved(_ listener: IOHandle)
    /// Bytes arrived. They are lent for the length of the call.
    func received(_ bytes: Span<UInt8>, on handle: IOHandle)
    /// A datagram arrived. Its bytes are lent for the length of the call.
    func received(_ bytes: Span<UInt8>, from sender: SocketAddress, on handle: IOHandle)
    /// The peer finished sending; what is sent to it may still arrive there.
    func ended(_ handle: IOHandle)
    /// After `finish`: all that was queued has been sent, and the stream is half-closed.
    func finished(_ handle: IOHandle)
    /// A send that was refused as busy may be tried again.
    func writable(_ handle: IOHandle)
    /// An outgoing connection stands.
    func connected(_ handle: IOHandle)
    /// The connection broke. The handler closes it.
    func failed(_ handle: IOHandle, _ error: IOError)
    /// The last call for this handle.
    func closed(_ handle: IOHandle)
}

extension IOHandler {
    package func accepted(_ connection: IOHandle, on listener: IOHandle) {}
    package func starved(_ listener: IOHandle) {}
    package func received(_ bytes: Span<UInt8>, on handle: IOHandle) {}
    package func received(_ bytes: Span<UInt8>, from sender: SocketAddress, on handle: IOHandle) {}
    package func ended(_ handle: IOHandle) {}
    package func finished(_ handle: IOHandle) {}
    package func writable(_ handle: IOHandle) {}
    package func connected(_ handle: IOHandle) {}
    package func failed(_ handle: IOHandle, _ error: IOError) {}
    package func closed(_ handle: IOHandle) {}
}
