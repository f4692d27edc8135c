// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import Belfry
public import BelfryHTTP
public import BelfryIO
public import Foundation
import HTTPTypes
import Logging

/// The web side of a chat box: a page where visitors talk to the other service, for a box whose service 1 has UUIDs.
///
///     let box = try ChatBox(name: "chatbox50", service1: UUID.self, service2: Int.self, logger: logger)
///     let web = ChatBoxWeb(box).server(broker: broker)
///     try await web.start()
///
/// A visitor is known by a cookie, `token`. Each open page is one access: the visitor is active as long as one is open.
/// What is said goes as text frames to and from `/ws/<token>`; pages of the original work.
public struct ChatBoxWeb<ID2: ServiceID>: Sendable {
    private let worker: ChatBox<UUID, ID2>.Worker1
    private let configuration: ChatBoxWebConfiguration

    /// Makes the web side; visitors come once it is part of a web server.
    public init(_ chatBox: ChatBox<UUID, ID2>, configuration: ChatBoxWebConfiguration = .init()) {
        worker = chatBox.worker1
        self.configuration = configuration
    }

    /// A web server with this alone; all other paths get 404.
    ///
    /// - Parameters:
    ///   - broker: Whose loops it runs on.
    ///   - address: Where it listens; port 0 lets the kernel choose.
    public func server(broker: Broker, address: SocketAddress = .loopback(port: 8_000)) -> HTTPServer {
        var router = Router()
        addRoutes(to: &router)
        let methods: [HTTPRequest.Method] = [.get, .post, .put, .patch, .delete]
        for method in methods {
            for pattern in ["/", "/main.js", "/style.css", "/ws/:id", "/*"] where method != .get || !Self.isOwn(pattern)
            { router.onLoop(method, pattern) { _ in Self.notFound } }
        }
        return HTTPServer(broker: broker, router: router, configuration: HTTPServerConfiguration(address: address))
    }

    private static func isOwn(_ pattern: String) -> Bool { ["/", "/main.js", "/style.css"].contains(pattern) }

    /// Adds the page, `/`, its script and style, `/main.js` and `/style.css`, and the WebSockets, `/ws/<uuid>`.
    public func addRoutes(to router: inout Router) {
        var resources = StaticResources()
        resources.add("main.js", PackageResources.main_js)
        resources.add("style.css", PackageResources.style_css)
        router.resources(resources)
        router.onLoop(.get, "/") { Self.page(for: $0) }
        var settings = WebSocketConfiguration()
        settings.origins = configuration.origins
        settings.maxMessageBytes = max(1, worker.core.configuration.maxMessageBytes)
        let upgrade = ChatBoxUpgrade(settings) { [self] id, socket in try await serve(id, socket) }
        for pattern in ["/ws/:id", "/ws/*"] {
            router.upgrade(pattern, using: upgrade)
            router.onLoop(.get, pattern) { _ in Self.notFound }
        }
    }

    // MARK: Page

    /// The page, with a cookie for who has none; one that is there is left alone, whatever it says.
    private static func page(for request: Request) -> Response {
        var response = Response.bytes(PackageResources.index_html, type: "text/html; charset=utf-8")
        response.fields[.cacheControl] = "no-cache"
        response.fields[.xContentTypeOptions] = "nosniff"
        let cookies = request.values(of: .cookie).flatMap { $0.split(separator: ";") }
        let hasToken = cookies.contains { cookie in
            cookie.prefix { $0 != "=" }.filter { $0 != " " && $0 != "\t" } == "token"
        }
        if !hasToken { response.fields[.setCookie] = "token=\(UUID().serviceText); Path=/; SameSite=lax" }
        return response
    }

    private static var notFound: Response {
        .bytes(Array(#"{"detail":"Not Found"}"#.utf8), type: "application/json", status: .notFound)
    }

    // MARK: WebSocket

    private func serve(_ id: UUID, _ socket: WebSocket) async throws {
        do {
            try await worker.withClient(id) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await receive(from: socket, as: client) }
                    group.addTask {
                        try await socket.send(WebText.greeting)
                        let last = try await replay(client, to: socket)
                        try await send(client.messages, after: last, to: socket)
                    }
                    // One half does not outlive the other. What had arrived of the browser is still read to its end.
                    defer { group.cancelAll() }
                    try await group.next()
                }
            }
        } catch let error as ChatBoxError {
            worker.core.logger.error("A visitor is not served", metadata: ["error": "\(error)"])
            throw error
        }
    }

    private func receive(from socket: WebSocket, as client: ChatBox<UUID, ID2>.ClientSession) async throws {
        for try await message in socket.messages {
            guard case .text(let text) = message else { return await socket.close(.unsupportedData) }
            try await client.send(text)
        }
    }

    private func send(
        _ messages: Queue<ChatBox<UUID, ID2>.Message>,
        after last: Int64?,
        to socket: WebSocket
    ) async throws {
        for try await delivery in messages {
            switch delivery {
            case .element(let message):
                if let last, let number = message.number, number <= last { continue }
                try await socket.send(Self.text(message))
            case .gap:
                // A page that can't keep up would show half of what was said; it may come again.
                return await socket.close(.tryAgainLater)
            }
        }
    }

    /// Sends what was said before, if that is wanted; the number of the last of it.
    private func replay(
        _ client: ChatBox<UUID, ID2>.ClientSession,
        to socket: WebSocket
    ) async throws -> Int64? {
        guard configuration.replayedMessages > 0 else { return nil }
        let history = try await client.connection.history(
            limit: configuration.replayedMessages,
            collapsingDoubles: true
        )
        for message in history { try await socket.send(Self.text(message)) }
        return history.last?.number
    }

    private static func text(_ message: ChatBox<UUID, ID2>.Message) -> String {
        WebText.message(message.content, by: message.sentBy == .service1 ? WebText.you : WebText.service)
    }
}
