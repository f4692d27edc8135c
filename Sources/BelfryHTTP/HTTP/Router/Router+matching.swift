// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

extension Router {
    /// What a path leads to.
    enum Match {
        case found(endpoint: Int, parameters: [(name: String, value: String)])
        case notFound
        /// The path is none: malformed escapes, or segments that climb.
        case malformed
    }

    /// Finds the endpoint of a path as it came over the wire.
    func match(_ path: Span<UInt8>) -> Match {
        guard path.count > 0 else { return walk([ASCII.slash].span, separator: ASCII.slash) }
        // The asterisk form.
        guard path[0] == ASCII.slash else { return .notFound }
        var isPlain = true
        for index in path.indices {
            let byte = path[index]
            if byte == 0x25 || byte == 0x2E && path[index - 1] == ASCII.slash {
                isPlain = false
                break
            }
        }
        if isPlain { return walk(path, separator: ASCII.slash) }
        guard let decoded = Self.decode(path) else { return .malformed }
        return walk(decoded.span, separator: 0)
    }

    private func walk(_ path: Span<UInt8>, separator: UInt8) -> Match {
        var values: [Range<Int>] = []
        guard let endpoint = find(path, separator, from: 1, node: 0, &values) else { return .notFound }
        guard !values.isEmpty else { return .found(endpoint: endpoint, parameters: []) }
        var parameters: [(name: String, value: String)] = []
        for (name, range) in zip(endpoints[endpoint].parameters, values) {
            var bytes: [UInt8] = []
            for index in range { bytes.append(path[index] == separator ? ASCII.slash : path[index]) }
            guard let value = String(validating: bytes, as: UTF8.self) else { return .malformed }
            parameters.append((name, value))
        }
        return .found(endpoint: endpoint, parameters: parameters)
    }

    /// The endpoint below a node for the segments from `start` on.
    private func find(
        _ path: Span<UInt8>,
        _ separator: UInt8,
        from start: Int,
        node: Int,
        _ values: inout [Range<Int>]
    ) -> Int? {
        var end = start
        while end < path.count, path[end] != separator { end += 1 }
        let isLast = end == path.count
        for literal in nodes[node].literals where Self.isEqual(literal.text, path.extracting(start..<end)) {
            if isLast {
                if let endpoint = nodes[literal.node].endpoint { return endpoint }
            } else if let found = find(path, separator, from: end + 1, node: literal.node, &values) {
                return found
            }
        }
        for framed in nodes[node].framed {
            let (first, last) = (start + framed.prefix.count, end - framed.suffix.count)
            guard first < last, Self.isEqual(framed.prefix, path.extracting(start..<first)),
                Self.isEqual(framed.suffix, path.extracting(last..<end))
            else { continue }
            values.append(first..<last)
            if isLast {
                if let endpoint = nodes[framed.node].endpoint { return endpoint }
            } else if let found = find(path, separator, from: end + 1, node: framed.node, &values) {
                return found
            }
            values.removeLast()
        }
        if let next = nodes[node].parameter, end > start {
            values.append(start..<end)
            if isLast {
                if let endpoint = nodes[next].endpoint { return endpoint }
            } else if let found = find(path, separator, from: end + 1, node: next, &values) {
                return found
            }
            values.removeLast()
        }
        if let endpoint = nodes[node].rest {
            values.append(start..<path.count)
            return endpoint
        }
        return nil
    }

    private static func isEqual(_ text: [UInt8], _ other: Span<UInt8>) -> Bool {
        guard text.count == other.count else { return false }
        for index in text.indices where text[index] != other[index] { return false }
        return true
    }

    /// The decoded segments, each behind a NUL in place of its slash, so that an escaped slash is none.
    ///
    /// - Returns: nil for what is no path: see `Match.malformed`.
    private static func decode(_ path: Span<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        var segment = 1
        var index = 0
        while index < path.count {
            var byte = path[index]
            if byte == ASCII.slash {
                guard !isClimbing(decoded, from: segment) else { return nil }
                decoded.append(0)
                segment = decoded.count
                index += 1
                continue
            }
            if byte == 0x25 {
                guard index + 2 < path.count, let high = ASCII.hexValue(path[index + 1]),
                    let low = ASCII.hexValue(path[index + 2]), high << 4 | low != 0
                else { return nil }
                byte = high << 4 | low
                index += 2
            }
            decoded.append(byte)
            index += 1
        }
        return isClimbing(decoded, from: segment) ? nil : decoded
    }

    private static func isClimbing(_ path: [UInt8], from start: Int) -> Bool {
        let dots = path.count - start
        return (dots == 1 || dots == 2) && path[start...].allSatisfy { $0 == 0x2E }
    }
}

extension Router.Endpoint {
    /// Who answers a method; nil when nobody does.
    func action(_ method: Span<UInt8>) -> Router.Action? {
        if let found = exact(method) { return found }
        return method.isExactly("HEAD") ? exact([0x47, 0x45, 0x54].span) : nil
    }

    private func exact(_ method: Span<UInt8>) -> Router.Action? {
        for (name, action) in methods where name.count == method.count {
            var isSame = true
            for index in name.indices where name[index] != method[index] { isSame = false }
            if isSame { return action }
        }
        return nil
    }

    /// The methods that are answered, for `Allow`.
    var allowed: String {
        var names = methods.map { String(decoding: $0.name, as: UTF8.self) }
        if upgrade != nil, !names.contains("GET") { names.append("GET") }
        if names.contains("GET"), !names.contains("HEAD") { names.append("HEAD") }
        if !names.contains("OPTIONS") { names.append("OPTIONS") }
        return names.sorted().joined(separator: ", ")
    }
}
