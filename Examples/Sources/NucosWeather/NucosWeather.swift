// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A weather station and those who watch it, over the nucosMQ wire, with a handshake.
///
/// `NucosWeather server [port]`, then `NucosWeather client PORT NAME SECRET`.
@main
struct NucosWeather {
    static func main() async throws {
        var arguments = CommandLine.arguments.dropFirst().makeIterator()
        let role = arguments.next()
        let port = arguments.next().flatMap { UInt16($0) } ?? 4000
        if role == "client" {
            try await watch(port: port, name: arguments.next() ?? "anna", secret: arguments.next() ?? "rainbow")
        } else {
            try await serve(port: port)
        }
    }
}
