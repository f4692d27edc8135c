// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryMissionCommander
import Foundation
import Logging

/// One measurement: connect all, kill, start again, wait for all.
struct Restart {
    let clients: Int
    let messages: Int
    let io: String

    /// What came of it.
    struct Result {
        /// When each client was connected again, since the kill; sorted.
        var returns: [Duration]
        /// When the second server listened, since the kill.
        var listening: Duration
        var lost: Int
        var violations: Int

        func row(outage: Int) -> String {
            let last = returns.last ?? .zero
            let share = Double(largestCrowd) / Double(max(returns.count, 1)) * 100
            return String(
                format: "%9d  %14.0f  %18.0f  %22.1f%%  %4d  %16d",
                outage,
                last / .milliseconds(1),
                (last - listening) / .milliseconds(1),
                share,
                lost,
                violations
            )
        }

        /// The most clients that came back within the same 100 ms.
        var largestCrowd: Int {
            var (largest, end) = (0, 0)
            for (start, first) in returns.enumerated() {
                while end < returns.count, returns[end] < first + .milliseconds(100) { end += 1 }
                largest = max(largest, end - start)
            }
            return largest
        }
    }

    /// How one client fared.
    private struct Fate: Sendable {
        var states: [Int] = []
        var returned: ContinuousClock.Instant?
        var received: [String] = []
    }

    func measure(outage: Duration) async throws -> Result {
        let choice = IOChoice(io) ?? .automatic
        let group = try EventLoopGroup(choice, count: 1, logger: Logger(label: "restart"))
        let first = try ServerProcess(port: 0, io: io)
        var made: [Client] = []
        for _ in 0..<clients { made.append(try await makeClient(port: first.port, group: group)) }
        let all = made
        let wanted = messages
        let (fates, killed, listening) = try await withThrowingTaskGroup(of: Fate.self) { tasks in
            for client in all {
                let events = client.events(limit: 4_096)
                tasks.addTask { try await Self.follow(client, events, sending: wanted) }
            }
            for client in all { _ = try await client.connect() }
            // All negotiations are with the server, and every client has seen itself connected.
            try await Task.sleep(for: .milliseconds(500))
            let killed = ContinuousClock.now
            first.kill()
            try await Task.sleep(for: outage)
            let second = try ServerProcess(port: first.port, io: io)
            let listening = ContinuousClock.now
            defer { second.kill() }
            // A client that never comes back is lost with its messages, and does not hold up the measurement.
            let watchdog = Task {
                try await Task.sleep(for: .seconds(60))
                for client in all { await client.shutDown() }
            }
            defer { watchdog.cancel() }
            var fates: [Fate] = []
            for try await fate in tasks { fates.append(fate) }
            return (fates, killed, listening)
        }
        for client in all { await client.shutDown() }
        await group.shutDown()
        return Result(
            returns: fates.compactMap { $0.returned.map { killed.duration(to: $0) } }.sorted(),
            listening: killed.duration(to: listening),
            lost: fates.reduce(0) { $0 + messages - $1.received.count },
            violations: fates.count { fate in
                fate.states != [22, 38, 150, 38] || fate.received != (0..<messages).map { "m\($0)" }
            }
        )
    }

    private func makeClient(port: Int, group: EventLoopGroup) async throws -> Client {
        let client = try Client(group: group)
        try await client.setAddress("127.0.0.1")
        try await client.setPort(port)
        try await client.setClientID(Client.generateID())
        return client
    }

    /// Sends its messages when the link is gone, and gathers what comes until all are back.
    private static func follow(
        _ client: Client,
        _ events: Queue<ClientEvent>,
        sending count: Int
    ) async throws -> Fate {
        var fate = Fate()
        for try await case .element(let event) in events {
            switch event {
            case .stateChange(let change):
                fate.states.append(change.to.rawValue)
                if change.to.contains(.reconnecting) {
                    for number in 0..<count { try await client.send(Message(subject: "m\(number)")) }
                }
            case .reconnect: fate.returned = .now
            case .message(let message): fate.received.append(message.subject)
            case .connect, .disconnect, .serverShutdown: break
            }
            if fate.returned != nil, fate.received.count == count { break }
        }
        return fate
    }
}
