// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Counting

/// HTTP/1.1: heads of requests, one after the other on one connection.
@main
struct CountHTTP {
    static func main() {
        serve([
            decode("decode a short head", "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"),
            decode("decode a browser's head", browser),
        ])
    }

    private static let browser = """
        GET /rooms/tea?since=12 HTTP/1.1\r
        Host: example.org\r
        Connection: keep-alive\r
        User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36\r
        Accept: */*\r
        Accept-Encoding: gzip, deflate, br, zstd\r
        Accept-Language: en-US,en;q=0.9\r
        Cookie: session=0123456789abcdef0123456789abcdef\r
        \r\n
        """

    private static func decode(_ name: String, _ request: String) -> Operation {
        Operation(name) { count in
            let bytes = Array(request.utf8)
            var decoder = HTTPRequestDecoder()
            var done = 0
            for _ in 0..<count {
                decoder.decode(bytes.span) { part, _ in
                    if case .head = part { done += 1 }
                    return .next
                }
            }
            return done
        }
    }
}
