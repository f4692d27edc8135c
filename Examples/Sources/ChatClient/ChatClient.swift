// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import Dispatch
import Foundation

/// A chat client that speaks the nucosMQ wire by hand: `ChatClient [port]`, 4000 if absent.
///
/// Each line of input goes to the room "lobby"; what is said there is printed.
@main
struct ChatClient {
    /// One message on the wire: this as JSON, then `_EOM_`.
    struct Frame: Codable {
        struct Content: Codable { var event: String, content: String, room: String? = nil }
        var data: Content

        var bytes: [UInt8] {
            get throws {
                let text = String(decoding: try JSONEncoder().encode(self), as: UTF8.self)
                // Inside a text the end mark is spelled so that nobody takes it for one.
                return Array((text.replacingOccurrences(of: "_EOM", with: #"\u005fEOM"#) + "_EOM_").utf8)
            }
        }
    }

    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 4000
        try await TCPConnection.withConnection(to: "127.0.0.1", port: port) { connection in
            try await connection.send(Frame(data: .init(event: "subscripe", content: "lobby")).bytes)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await show(connection.inbound) }
                while let line = await nextLine() {
                    try await connection.send(Frame(data: .init(event: "say", content: line, room: "lobby")).bytes)
                }
                group.cancelAll()
            }
        }
    }

    static func show(_ inbound: TCPInbound) async throws {
        var rest = Data()
        for try await chunk in inbound {
            rest += chunk
            while let end = rest.range(of: Data("_EOM_".utf8)) {
                let frame = try? JSONDecoder().decode(Frame.self, from: rest[..<end.lowerBound])
                if let data = frame?.data { print("\(data.event): \(data.content)") }
                rest = Data(rest[end.upperBound...])
            }
        }
    }

    /// Waits for a line on a thread that may block, not on one of Swift's.
    static func nextLine() async -> String? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: readLine()) }
        }
    }
}
