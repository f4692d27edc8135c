// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryHTTP
import HTTPTypes

/// What a server keeps of its channels, page by page, for browsers.
///
/// The answer is `{"epoch":"<epoch>","messages":[…],"older":<offset>}`: the messages as clients that resume get them, each
/// object with its offset as `at`, oldest first; `older` is null when there are none before them.
struct HubHistory {
    private let shared: PocketsocketShared

    init(_ shared: PocketsocketShared) { self.shared = shared }

    func answer(_ request: Request) async throws -> Response {
        guard shared.configuration.webSocket.origins.allows(request[.origin], authority: request.authority) else {
            throw HTTPError(.forbidden)
        }
        let (before, limit) = Self.bounds(request.query)
        let hub = shared.hub
        let room = await LoopDoor(shared.broker, shared.broker.home(of: hub)).run { $0.own(hub) }
        guard let room else { return Self.response(Array(#"{"epoch":null,"messages":[],"older":null}"#.utf8)) }
        let page: HistoryPage
        do {
            page = try await room.page(before.map { .before($0) } ?? .newest, limit: limit)
        } catch {
            throw HTTPError(.serviceUnavailable, error.message)
        }
        var body = Array(#"{"epoch":"\#(String(room.epoch, radix: 16))","messages":["#.utf8)
        let content = PositionedContent()
        var isFirst = true
        for message in page.messages {
            var text: [UInt8] = []
            let kind = content.encode(
                room: hub,
                event: message.event,
                payload: message.payload,
                at: message.offset,
                into: &text
            )
            // What is no object has no place in a list of them.
            guard kind == .text, ClientMessage(text.span).isObject else { continue }
            if !isFirst { body.append(UInt8(ascii: ",")) }
            isFirst = false
            body += text
        }
        let older = if case .before(let offset)? = page.older { "\(offset)" } else { "null" }
        body += Array("],\"older\":\(older)}".utf8)
        return Self.response(body)
    }

    private static func response(_ body: [UInt8]) -> Response {
        var response = Response.bytes(body, type: "application/json")
        response.fields[.cacheControl] = "no-store"
        return response
    }

    private static func bounds(_ query: String?) -> (before: UInt64?, limit: Int) {
        var (before, limit): (UInt64?, Int) = (nil, 100)
        for part in (query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            if pair[0] == "before" { before = UInt64(pair[1]) }
            if pair[0] == "limit" { limit = Int(pair[1]).map { min(max(1, $0), 1_000) } ?? limit }
        }
        return (before, limit)
    }
}
