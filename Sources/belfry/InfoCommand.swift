// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryIO

/// `belfry info`: what this machine offers and what would be chosen.
struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Show the kernel, the I/O engine that would be chosen and why, and the limits."
    )

    @OptionGroup var engine: EngineOptions

    func run() throws {
        let limits = BrokerConfiguration.Limits()
        let system = SystemInfo()
        var lines = [
            ("version", BelfryVersion.text),
            ("kernel", system.kernel),
            ("cores", "\(EventLoopGroup.availableCores()) (one event loop each)"),
        ]
        do {
            let selection = try BackendSelection(engine.choice)
            lines.append(("engine", "\(selection.backend): \(selection.reason)"))
            lines.append(("features", selection.features.joined(separator: ", ")))
        } catch {
            throw CleanExit.failure(error.message)
        }
        lines += [
            ("descriptors", system.descriptorLimit),
            ("locked memory", system.lockedMemoryLimit),
            ("max connections", "\(limits.maxConnections)"),
            ("max message", "\(limits.maxMessageBytes) bytes"),
            ("max rooms", "\(limits.maxRooms), \(limits.maxRoomsPerSession) per session"),
            ("max frame logs", "\(limits.maxFrameLogBytes) bytes"),
        ]
        let width = lines.map(\.0.count).max() ?? 0
        for (name, value) in lines {
            print(name + String(repeating: " ", count: width - name.count + 2) + value)
        }
    }
}
