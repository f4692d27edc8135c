// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import BelfryHTTP
import HTTPTypes

extension Watchbox {
    /// Adds the endpoints, `/watchbox.<type>.wb`, and the script for pages, `/watchbox.file.wb`.
    ///
    /// What a page may ask for beyond the original, with the form's fields of `get`:
    /// - `wait`, in milliseconds, up to `maxWait`: the answer comes when there is a message, or with `wb00` when the time
    ///   is up. The client counts as alive meanwhile.
    /// - `batch`, a number up to `maxBatch`: the answer is a JSON array of at most so many objects
    ///   `{"group":…,"message":…}`, each group's oldest first; `wb00` when there is none.
    /// - `group`, several times: what is there in the first of them that has something; a batch goes on with the next.
    ///   `wb11` when the client is not in one of them, unless there is something in those before.
    public func addRoutes(to router: inout Router) {
        let script = PackageResources.watchbox_js
        let type = "text/javascript; charset=utf-8"
        var resources = StaticResources()
        resources.add("watchbox.file.wb", script, type: type)
        router.resources(resources)
        router.onLoop(.post, "/watchbox.file.wb") { _ in .bytes(script, type: type) }
        let endpoints = WatchboxEndpoints(shared)
        for method in [HTTPRequest.Method.post, .get] {
            router.respond(method, "/watchbox.register.wb") { try endpoints.register($0, $1) }
            router.respond(method, "/watchbox.join.wb") { try endpoints.join($0, $1) }
            router.respond(method, "/watchbox.get.wb") { try endpoints.get($0, $1) }
            router.respond(method, "/watchbox.brdcst.wb") { try endpoints.broadcast($0, $1) }
            router.respond(method, "/watchbox.server.wb") { try endpoints.message($0, $1) }
            router.respond(method, "/watchbox.:type.wb") { try endpoints.unknown($0, $1) }
        }
    }
}
