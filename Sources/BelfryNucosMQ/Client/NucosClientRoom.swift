// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
import BelfryIO

/// A room of a server, as one of its clients sees it.
public struct NucosClientRoom: Sendable {
    /// Whose view it is.
    public let client: NucosClient
    /// The room's name.
    public let name: String

    /// The messages of the room from now on; subscribes.
    ///
    /// What ``messages(limit:onOverflow:)`` says, with its defaults.
    public var messages: Queue<NucosMessage> { messages() }

    /// The messages of the room from now on; subscribes.
    ///
    /// Ends with nil after the client's `close()`, with an error when the connection is lost for good, its `cause` a
    /// ``NucosDisconnection``; goes on over a reconnect, without what was published meanwhile.
    ///
    /// - Parameters:
    ///   - limit: Messages that may wait.
    ///   - policy: `.suspend` pauses the client's socket while the reader is behind; the others lose messages,
    ///     announced as `.gap`.
    public func messages(limit: Int = 4_096, onOverflow policy: OverflowPolicy = .suspend) -> Queue<NucosMessage> {
        let queue = client.listen(.init(room: name, event: nil), limit, policy)
        let (client, name) = (client, name)
        client.loop.execute { client.assumeIsolated { _ = $0.subscribe(name) } }
        return queue
    }

    /// Joins the room; see ``NucosClient/subscribe(_:)``.
    @discardableResult
    public func subscribe() async -> NucosSendResult { await client.subscribe(name) }

    /// Publishes to the members of the room; see ``NucosClient/publish(room:event:content:)``.
    @discardableResult
    public func publish(event: String, content: Payload) async -> NucosSendResult {
        await client.publish(room: name, event: event, content: content)
    }
}
