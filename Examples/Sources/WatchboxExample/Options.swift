// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryWatchbox

/// The command line of the example.
enum Options {
    /// Where to listen, and how; nil for a command line that can't be read.
    static func read(_ words: ArraySlice<String>) -> (SocketAddress, WatchboxConfiguration)? {
        var address = SocketAddress.loopback(port: 5_000)
        var configuration = WatchboxConfiguration()
        var words = words
        while let option = words.popFirst() {
            guard let value = words.popFirst(), read(option, value, &address, &configuration) else { return nil }
        }
        return (address, configuration)
    }

    private static func read(
        _ option: String,
        _ value: String,
        _ address: inout SocketAddress,
        _ configuration: inout WatchboxConfiguration
    ) -> Bool {
        switch (option, Double(value)) {
        case ("--host", _):
            let host = value == "localhost" ? "127.0.0.1" : value
            guard let named = SocketAddress(numericHost: host, port: address.port ?? 0) else { return false }
            address = named
        case ("--port", let number?):
            guard let port = UInt16(exactly: number),
                let named = SocketAddress(numericHost: address.host, port: port)
            else { return false }
            address = named
        case ("--timeout", let seconds?) where seconds > 0: configuration.settings.timeout = .seconds(seconds)
        case ("--list-limit", let number?):
            guard let limit = Int(exactly: number), limit > 0 else { return false }
            configuration.settings.listLimit = limit
        default: return false
        }
        return true
    }
}
