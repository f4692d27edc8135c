// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryIO
import BelfryNucosMQ
import Foundation

/// Fan-out by itself, and with stored publishes beside it in the same process.
struct Beside: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What a delivery of fan-out costs, with stored publishes beside it and without.",
        discussion: """
            One broker of one loop serves belfry-load: one publisher, so many subscribers, closed loop. A second broker in \
            the same process, on a loop of its own, takes the stored publishes; so the first loop's CPU is the fan-out's \
            alone. With --shared both are one broker on one loop, whose CPU then has the publishing in it: `publish` \
            says how much that is by itself.
            """
    )
    @OptionGroup var store: StoreOptions
    @Option(help: "Publishers, each waiting for one message at a time.") var publishers = 512
    @Option(help: "Rooms they take turns in.") var rooms = 8
    @Option(help: "Stored messages a second at most; 0 for as many as there can be.") var rate = 0
    @Option(help: "Bytes of a stored payload, about.") var payload = 128
    @Option(help: "Subscribers of the fan-out.") var subscribers = 100
    @Option(help: "Messages of the fan-out that are outstanding.") var window = 64
    @Option(help: "Seconds measured, of each run.") var seconds = 4.0
    @Option(help: "Rounds; each measures everything once.") var rounds = 3
    @Flag(help: "One broker and one loop for both.") var shared = false
    @Flag(help: "The fan-out's own messages are stored, and nothing else.") var fanoutStored = false

    /// What is measured, in turns.
    private enum Scene: String, CaseIterable {
        case alone = "fan-out alone"
        case stored = "beside stored publishes"
        case kept = "fan-out itself stored"
    }

    func run() async throws {
        let scenes: [Scene] =
            fanoutStored ? [.alone, .kept] : [.alone, .stored]
        var costs: [Scene: [Double]] = [:]
        for round in 0..<rounds {
            for scene in scenes {
                let result = try await measure(scene)
                costs[scene, default: []].append(result.cost)
                print("round \(round + 1), \(scene.rawValue): \(result.text)")
            }
        }
        let reference = Self.median(costs[.alone] ?? [])
        for scene in scenes {
            let cost = Self.median(costs[scene] ?? [])
            print(
                String(
                    format: "%@: median %.4f us of loop CPU per delivery, %+.1f %%",
                    scene.rawValue,
                    cost,
                    (cost / reference - 1) * 100
                )
            )
        }
    }

    private static func median(_ values: [Double]) -> Double {
        values.isEmpty ? .nan : values.sorted()[values.count / 2]
    }

    private func measure(_ scene: Scene) async throws -> (cost: Double, text: String) {
        let folder = try store.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "history.db").path
        let isOneBroker = shared || scene == .kept
        let broker = try store.makeBroker(isOneBroker && (scene == .stored || scene == .kept) ? path : nil)
        let other = isOneBroker ? broker : try store.makeBroker(scene == .stored ? path : nil)
        let server = NucosServer(broker: broker, configuration: .init(address: .loopback(port: 0)))
        let address = try await server.start()
        let fanoutLoop = try await broker.room("any").thread()
        var stored: [Room] = []
        for number in 0..<rooms { stored.append(try await other.room("stored \(number)")) }
        let measured = PublisherOptions(
            publishers: scene == .stored ? publishers : 0,
            rooms: rooms,
            payload: payload,
            durability: .stored,
            rate: rate
        )
        let beside = Publishers(measured, rooms: stored)
        async let times = beside.run()
        let load = try startLoad(port: address.port)
        // Connections, and the load's warm-up.
        try await Task.sleep(for: .seconds(2))
        let started = (ThreadTimes(), other.statistics.published, broker.statistics.published, beside.count)
        let began = ContinuousClock.now
        beside.beginMeasuring()
        try await Task.sleep(for: .seconds(seconds))
        let ended = (ThreadTimes(), other.statistics.published, broker.statistics.published, beside.count)
        let elapsed = began.duration(to: .now).inSeconds
        beside.stop()
        // Nothing less: a child of a thread pool's thread has every other signal blocked.
        kill(load.processIdentifier, SIGKILL)
        load.waitUntilExit()
        let latencies = try await times
        await server.close()
        await broker.shutDown()
        if !isOneBroker { await other.shutDown() }
        let published = Int(ended.2 - started.2) - (isOneBroker ? ended.3 - started.3 : 0)
        let deliveries = Double(published * subscribers)
        let cost = ended.0.seconds(of: [fanoutLoop], since: started.0) / deliveries * 1e6
        let total = ended.0.seconds(since: started.0) / deliveries * 1e6
        var text = String(
            format: "%.0f deliveries/s, loop %.4f us, process %.4f us per delivery",
            deliveries / elapsed,
            cost,
            total
        )
        if !latencies.isEmpty {
            text += String(
                format: "; beside: %.0f/s, p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms",
                Double(ended.3 - started.3) / elapsed,
                latencies.percentile(0.5),
                latencies.percentile(0.99),
                latencies.percentile(0.999)
            )
        }
        return (cost, text)
    }

    /// The load comes from a process of its own: `belfry-load`, built beside this program.
    private func startLoad(port: UInt16?) throws -> Process {
        let load = Process()
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        // Behind the server: clients are on other machines, and take no core from it.
        load.executableURL = URL(fileURLWithPath: "/usr/bin/nice")
        load.arguments = [
            "-n", "19", own.deletingLastPathComponent().appending(path: "belfry-load").path, "fanout", "--wire",
            "nucosmq", "--port", "\(port ?? 0)", "--subscribers", "\(subscribers)", "--window",
            "\(window)", "--warmup", "1", "--seconds", "\(seconds + 30)", "--entries", "0",
        ]
        load.standardOutput = FileHandle.nullDevice
        load.standardError = FileHandle.nullDevice
        try load.run()
        return load
    }
}
