// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Writes requests (RFC 9112, §3).
package enum HTTPRequestEncoder {
    /// Appends a request: head and body.
    ///
    /// - Throws: ``HTTPClientError`` `.badRequest` for a target that can't be sent.
    package static func append(
        _ request: HTTPClientRequest,
        authority: String,
        to output: inout [UInt8]
    ) throws(HTTPClientError) {
        guard request.target.utf8.first == ASCII.slash, request.target.utf8.allSatisfy(ASCII.isTarget) else {
            throw HTTPClientError(.badRequest, "the target has characters that must be escaped")
        }
        guard request.method != .connect else { throw HTTPClientError(.badRequest, "CONNECT is not served") }
        var head = "\(request.method.rawValue) \(request.target) HTTP/1.1\r\nHost: \(authority)\r\n"
        for field in request.fields where !isOwn(field.name.canonicalName) {
            head += "\(field.name.rawName): \(field.value)\r\n"
        }
        let hasBody = !request.body.isEmpty || [.post, .put, .patch].contains(request.method)
        if hasBody { head += "Content-Length: \(request.body.count)\r\n" }
        output.reserveCapacity(output.count + head.utf8.count + 2 + request.body.count)
        output.append(contentsOf: head.utf8)
        output.append(ASCII.carriageReturn)
        output.append(ASCII.lineFeed)
        output.append(contentsOf: request.body)
    }

    private static func isOwn(_ name: String) -> Bool {
        ["host", "content-length", "transfer-encoding", "connection", "expect"].contains(name)
    }
}
