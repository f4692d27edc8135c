// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryHTTP
import BelfryIO
import HTTPTypes

/// A Pocketsocket server on a broker: what one client says, all others get, as it was said.
///
///     let pocketsocket = PocketsocketServer(broker: broker)
///     let web = HTTPServer.web(broker: broker) { router in pocketsocket.addRoutes(to: &router) }
///     try await web.start()
///     for try await case .element(let message) in pocketsocket.messages() { print(message.text) }
///
/// Messages have channels, `channel.event`, and a channel is a room of the broker: what a client says is published there
/// as well, and what anybody else publishes there reaches every client. A room's name with a dot in it is ambiguous on
/// this wire; clients take what stands before the first dot for the channel. Who is a Pocketsocket client is in all
/// rooms at once, and not listed among the members of each.
///
/// The original's clients connect unmodified. Each message is answered by a receipt, which leaves before the message
/// does; everybody hears who comes and goes.
public struct PocketsocketServer: Sendable {
    let shared: PocketsocketShared

    /// Makes a server; clients come once it has been added to a web server.
    public init(broker: Broker, configuration: PocketsocketConfiguration = .init()) {
        shared = PocketsocketShared(configuration, broker: broker.shared)
    }

    /// Adds the browser client, the chat page, `/pocketsocket/history` (what is kept of all channels, as
    /// `?before=<offset>&limit=<count>`), and the WebSocket, which answers on every path that nothing else has.
    public func addRoutes(to router: inout Router) {
        router.resources(BrowserClient.resources)
        let shared = self.shared
        let upgrade = WebSocketUpgrade(shared.configuration.webSocket) { request, socket in
            PocketsocketConnection(socket, shared, resume: ResumeRequest(query: request.query))
        }
        router.on(.get, "/pocketsocket/history") { request in try await HubHistory(shared).answer(request) }
        for pattern in ["/", "/*"] { router.upgrade(pattern, using: upgrade) }
        router.onLoop(.get, "/*") { _ in throw HTTPError(.notFound) }
    }

    /// How many clients are connected.
    public var clientCount: Int { shared.clientCount }

    /// What clients say, from now on, in each client's order.
    ///
    /// - Parameters:
    ///   - limit: Messages that may wait for the reader.
    ///   - policy: What happens beyond that; losses are announced. Clients are never held up.
    public func messages(limit: Int = 1_024, onOverflow policy: OverflowPolicy = .dropOldest) -> Queue<ReceivedMessage>
    {
        shared.addReader(Queue(.init(limit: limit, policy: policy)))
    }

    /// Sends a message of a channel to every client, and to the room of that name.
    ///
    /// - Returns: false for data that calls itself JSON and is none.
    @discardableResult
    public func signal(_ channel: String, _ event: String, _ data: Payload = .json("{}")) -> Bool {
        let message = event.isEmpty ? channel : "\(channel).\(event)"
        guard let text = ServerText.message(message, data, id: ServerText.newID()) else { return false }
        shared.publish(text)
        shared.relay(event, data, to: channel)
        return true
    }

    /// Sends a text to every client, as it is.
    public func sendToAll(_ text: String) { shared.publish(Array(text.utf8)) }

    /// Sends an object with one value to every client: the original's `send_to_all`.
    ///
    /// - Parameters:
    ///   - path: Where in the object the value stands; dots nest, to a depth of 16.
    ///   - value: The value.
    ///   - message: Whose sender's `address` and `port` the object has beside it; nil leaves them out.
    /// - Returns: false for a value that calls itself JSON and is none.
    @discardableResult
    public func sendToAll(_ path: String = "data", _ value: Payload, about message: ReceivedMessage? = nil) -> Bool {
        guard let text = ServerText.object(path, value, about: message?.peer) else { return false }
        shared.publish(text)
        return true
    }
}
