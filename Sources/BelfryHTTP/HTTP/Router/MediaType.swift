// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Media types by the ending of a file's name.
enum MediaType {
    static func of(_ path: String) -> String {
        guard let dot = path.lastIndex(of: ".") else { return "application/octet-stream" }
        return known[path[path.index(after: dot)...].lowercased()] ?? "application/octet-stream"
    }

    private static let known = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "txt": "text/plain; charset=utf-8",
        "js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8",
        "ts": "text/plain; charset=utf-8", "md": "text/markdown; charset=utf-8", "json": "application/json",
        "map": "application/json", "webmanifest": "application/manifest+json", "svg": "image/svg+xml",
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
        "ico": "image/x-icon", "woff2": "font/woff2", "wasm": "application/wasm", "pdf": "application/pdf",
    ]
}
