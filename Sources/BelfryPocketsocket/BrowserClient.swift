// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryHTTP

/// The Pocketsocket client for browsers, and a chat page that is made with it.
///
///     router.resources(BrowserClient.resources)
///
/// The page connects to the Pocketsocket server on its own host and port.
public enum BrowserClient {
    /// `pocket.socket.js` with its TypeScript declarations, and the page: `index.html`, `chat.css`, `chat.js` and the
    /// scripts that belong to it.
    public static var resources: StaticResources {
        var resources = StaticResources()
        resources.add("pocket.socket.js", PackageResources.pocket_socket_js)
        resources.add("pocket.socket.d.ts", PackageResources.pocket_socket_d_ts, type: "text/plain; charset=utf-8")
        resources.add("index.html", PackageResources.index_html)
        resources.add("chat.css", PackageResources.chat_css)
        resources.add("chat.js", PackageResources.chat_js)
        resources.add("chat.page.js", PackageResources.chat_page_js)
        resources.add("chat.log.js", PackageResources.chat_log_js)
        resources.add("chat.history.js", PackageResources.chat_history_js)
        resources.add("chat.rooms.js", PackageResources.chat_rooms_js)
        resources.add("chat.connection.js", PackageResources.chat_connection_js)
        return resources
    }
}
