// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryIO
public import HTTPTypes

/// An HTTP request as a handler gets it: its head as it came over the wire, and its body, complete.
///
/// Strings are made when they are asked for. The head has been checked: field names are tokens, values have no control
/// characters.
public struct Request: Sendable {
    /// The head's bytes: request line and fields, without the empty line.
    let head: [UInt8]
    /// Where in `head` things are.
    package let layout: HTTPHeadLayout
    /// The names of the route's parameters and what stands in the path for them, decoded; in the path's order.
    package var parameters: [(name: String, value: String)] = []
    /// The body; empty when there is none.
    public internal(set) var body: [UInt8] = []
    /// The client's address, where it has one.
    public let peer: SocketAddress?

    package init(head: [UInt8], layout: HTTPHeadLayout, peer: SocketAddress?) {
        self.head = head
        self.layout = layout
        self.peer = peer
    }

    // MARK: Request line

    /// The method.
    public var method: HTTPRequest.Method {
        if methodIs("GET") { return .get }
        return HTTPRequest.Method(text(0..<layout.methodLength)) ?? .get
    }

    /// The target as the client wrote it.
    public var target: String { text(layout.target) }

    /// The path, still percent-encoded, without the query.
    public var path: String { layout.path.isEmpty ? "/" : text(layout.path) }

    /// What stands behind the `?`, still percent-encoded; nil without one.
    public var query: String? { layout.query.map(text) }

    /// Host and port that the request is for: `Host`, or what the absolute target names; nil where HTTP/1.0 has neither.
    public var authority: String? { (layout.targetAuthority ?? layout.host).map(text) }

    /// What stands in the path for a parameter of the route, decoded; nil when the route has none of this name.
    public func parameter(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

    // MARK: Fields

    /// The value of a field; several of one name are joined as `HTTPFields` does; nil when there is none.
    public subscript(name: HTTPField.Name) -> String? {
        let found = values(of: name)
        return found.count < 2 ? found.first : found.joined(separator: name == .cookie ? "; " : ", ")
    }

    /// The values of all fields of a name, in order, one for each line.
    public func values(of name: HTTPField.Name) -> [String] {
        var found: [String] = []
        let wanted = name.canonicalName.utf8
        forEachField { field, value in
            guard field.count == wanted.count, zip(head[field], wanted).allSatisfy({ ASCII.lower($0) == $1 }) else {
                return
            }
            found.append(text(value))
        }
        return found
    }

    /// The whole head, as swift-http-types has it.
    public var httpRequest: HTTPRequest {
        HTTPRequest(
            method: method,
            scheme: "http",
            authority: authority,
            path: layout.query.map { path + "?" + text($0) } ?? path,
            headerFields: fields
        )
    }

    /// All fields, in order.
    public var fields: HTTPFields {
        var fields = HTTPFields()
        forEachField { field, value in
            guard let name = HTTPField.Name(text(field)) else { return }
            fields.append(HTTPField(name: name, value: head[value]))
        }
        return fields
    }

    // MARK: Bytes

    func methodIs(_ name: StaticString) -> Bool {
        layout.methodLength == name.utf8CodeUnitCount && text(0..<layout.methodLength) == "\(name)"
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: head[range], as: UTF8.self) }

    /// Calls `body` with the ranges of each field's name and value.
    private func forEachField(_ body: (Range<Int>, Range<Int>) -> Void) {
        var start = layout.fields.lowerBound
        while start < layout.fields.upperBound {
            let rest = head[start..<layout.fields.upperBound]
            let end = rest.firstIndex(of: ASCII.carriageReturn) ?? rest.endIndex
            guard let colon = head[start..<end].firstIndex(of: ASCII.colon) else { return }
            var (first, last) = (colon + 1, end)
            while first < last, ASCII.isBlank(head[first]) { first += 1 }
            while last > first, ASCII.isBlank(head[last - 1]) { last -= 1 }
            body(start..<colon, first..<last)
            start = end + 2
        }
    }
}

extension Request {
    /// Whether `Upgrade` names a protocol, whatever its version.
    func offers(_ protocolName: String) -> Bool {
        values(of: .upgrade).contains { value in
            value.split(separator: ",").contains { offer in
                let name = offer.split(separator: "/", maxSplits: 1)[0].filter { $0 != " " && $0 != "\t" }
                return name.lowercased() == protocolName.lowercased()
            }
        }
    }
}

extension HTTPHeadLayout {
    /// The asterisk form: a question about the server as such.
    func isAsterisk(_ head: Span<UInt8>) -> Bool { path.count == 1 && head[path.lowerBound] == 0x2A }
}

extension [UInt8] {
    /// A copy of lent bytes.
    init(copying bytes: Span<UInt8>) {
        self.init()
        reserveCapacity(bytes.count)
        append(copying: bytes)
    }
}
