// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import Belfry
public import HTTPTypes

/// Finds who answers a request, by method and path.
///
///     var router = Router()
///     router.on(.get, "/hello/:name") { request in .text("Hello, \(request.parameter("name") ?? "")!") }
///
/// A pattern is a path whose segments are literal, `:name` for any one segment that is not empty, `begin.:name.end` for
/// one that begins and ends so with something between, or, at its end, `*` for all that follows, slashes included.
/// Literal wins over `begin.:name.end`, that over `:name`, that over `*`. Segments are compared after percent-decoding; a
/// path with `.` or `..` as a segment is refused.
///
/// `HEAD` is answered by the handler of `GET` where it has none of its own, `OPTIONS` with what is allowed.
public struct Router: Sendable {
    /// Answers a request.
    ///
    /// Runs in a task on the connection's event loop; it must not block. Cancelled when the client goes, or after
    /// `handlerTimeout`. An HTTPError that it throws is the answer, any other error gives 500.
    public typealias Handler = @Sendable (Request) async throws -> Response

    /// Answers a request at once, on the connection's event loop, without a task; it must not block.
    public typealias LoopHandler = @Sendable (Request) throws -> Response

    /// Answers a request at once or later, on the connection's event loop, without a task; it must not block.
    package typealias Responder = @Sendable (Request, Connection) throws -> Reply

    enum Action: Sendable {
        case onLoop(LoopHandler)
        case respond(Responder)
        case task(Handler)
    }

    struct Node: Sendable {
        var literals: [(text: [UInt8], node: Int)] = []
        /// Of segments that begin and end in a certain way.
        var framed: [(prefix: [UInt8], suffix: [UInt8], node: Int)] = []
        var parameter: Int?
        /// Of what ends here.
        var endpoint: Int?
        /// Of what ends here with `*`.
        var rest: Int?
    }

    struct Endpoint: Sendable {
        var parameters: [String] = []
        var methods: [(name: [UInt8], action: Action)] = []
        var upgrade: (any HTTPUpgrade)?
    }

    private(set) var nodes = [Node()]
    private(set) var endpoints: [Endpoint] = []

    /// A router without routes.
    public init() {}

    /// Lets a handler answer; a later one for the same method and pattern takes its place.
    public mutating func on(_ method: HTTPRequest.Method, _ pattern: String, _ handler: @escaping Handler) {
        set(.task(handler), method, at: Self.segments(pattern))
    }

    /// The same for a handler that answers at once: the fast path.
    public mutating func onLoop(_ method: HTTPRequest.Method, _ pattern: String, _ handler: @escaping LoopHandler) {
        set(.onLoop(handler), method, at: Self.segments(pattern))
    }

    /// The same for who may hold a request and answer it later.
    package mutating func respond(_ method: HTTPRequest.Method, _ pattern: String, _ responder: @escaping Responder) {
        set(.respond(responder), method, at: Self.segments(pattern))
    }

    /// Lets connections that ask for it switch to another protocol.
    package mutating func upgrade(_ pattern: String, using upgrade: any HTTPUpgrade) {
        endpoints[endpoint(at: Self.segments(pattern))].upgrade = upgrade
    }

    /// Serves resources, each under its path behind a prefix, as in `/` or `/static/`.
    public mutating func resources(_ resources: StaticResources, under prefix: String = "/") {
        let start = Self.segments(prefix.hasSuffix("/") ? prefix : prefix + "/").dropLast()
        for resource in resources.all {
            let path = resource.path.split(separator: "/", omittingEmptySubsequences: false)
            let segments = start + path.map { Segment.literal(Array($0.utf8)) }
            set(.onLoop { resource.answer(to: $0) }, .get, at: Array(segments))
        }
    }

    // MARK: Building

    enum Segment: Equatable {
        case literal([UInt8])
        case framed(prefix: [UInt8], name: String, suffix: [UInt8])
        case parameter(String)
        case rest
    }

    private static func segments(_ pattern: String) -> [Segment] {
        let path = pattern.hasPrefix("/") ? pattern.dropFirst() : pattern[...]
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.enumerated().map { index, part in
            if part == "*", index == parts.count - 1 { return .rest }
            if part.hasPrefix(":") { return .parameter(String(part.dropFirst())) }
            guard let colon = part.firstIndex(of: ":") else { return .literal(Array(part.utf8)) }
            let name = part[colon...].dropFirst().prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            guard !name.isEmpty else { return .literal(Array(part.utf8)) }
            return .framed(
                prefix: Array(part[..<colon].utf8),
                name: String(name),
                suffix: Array(part[name.endIndex...].utf8)
            )
        }
    }

    private mutating func set(_ action: Action, _ method: HTTPRequest.Method, at segments: [Segment]) {
        let index = endpoint(at: segments)
        let name = Array(method.rawValue.utf8)
        endpoints[index].methods.removeAll { $0.name == name }
        endpoints[index].methods.append((name, action))
    }

    /// The endpoint of a pattern, made if need be.
    private mutating func endpoint(at segments: [Segment]) -> Int {
        var node = 0
        var names: [String] = []
        var isRest = false
        for segment in segments {
            switch segment {
            case .literal(let text):
                if let known = nodes[node].literals.first(where: { $0.text == text }) {
                    node = known.node
                } else {
                    nodes.append(Node())
                    nodes[node].literals.append((text, nodes.count - 1))
                    node = nodes.count - 1
                }
            case .framed(let prefix, let name, let suffix):
                names.append(name)
                if let known = nodes[node].framed.first(where: { $0.prefix == prefix && $0.suffix == suffix }) {
                    node = known.node
                } else {
                    nodes.append(Node())
                    nodes[node].framed.append((prefix, suffix, nodes.count - 1))
                    node = nodes.count - 1
                }
            case .parameter(let name):
                names.append(name)
                if nodes[node].parameter == nil {
                    nodes.append(Node())
                    nodes[node].parameter = nodes.count - 1
                }
                node = nodes[node].parameter ?? node
            case .rest:
                names.append("*")
                isRest = true
            }
        }
        if let known = isRest ? nodes[node].rest : nodes[node].endpoint { return known }
        endpoints.append(Endpoint(parameters: names))
        if isRest { nodes[node].rest = endpoints.count - 1 } else { nodes[node].endpoint = endpoints.count - 1 }
        return endpoints.count - 1
    }
}
