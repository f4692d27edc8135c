// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Belfry
import BelfryIO
import Foundation
import Logging

/// Does on command what a user's program would do, so that any program can drive the public API over two pipes.
///
/// One JSON object a line: requests on standard input, answers and events on standard output, logs on standard error.
/// End of input ends it, whatever is open.
@main
struct InteropPeer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "belfry-interop-peer",
        abstract: "Drive Belfry's public API by JSON lines on standard input and output."
    )

    @Argument(help: "The protocol: missioncommander, nucosmq or chatbox50.")
    var system: System

    @Option(help: "The I/O engine: auto, epoll or uring.")
    var io = "auto"

    @Option(help: "Event loops of each server; one per core if absent.")
    var loops: Int?

    @Option(help: "How much is logged on standard error.")
    var logLevel = "warning"

    enum System: String, ExpressibleByArgument, CaseIterable {
        case missioncommander, nucosmq, chatbox50
    }

    func validate() throws {
        guard IOChoice(io) != nil else { throw ValidationError("--io takes auto, epoll or uring.") }
        guard Logger.Level(rawValue: logLevel) != nil else { throw ValidationError("--log-level takes a level.") }
        if let loops, !(1...256).contains(loops) { throw ValidationError("--loops takes a number from 1 to 256.") }
    }

    func run() async throws {
        var logger = Logger(label: "belfry-interop-peer") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: logLevel) ?? .warning
        let output = PeerOutput()
        let broker = BrokerConfiguration(io: IOChoice(io) ?? .automatic, loops: loops)
        switch system {
        case .missioncommander:
            await serve(MissionCommanderPeer(broker: broker, logger: logger, output: output), output)
        case .nucosmq:
            await serve(NucosPeer(broker: broker, logger: logger, output: output), output)
        case .chatbox50:
            await serve(ChatBoxPeer(broker: broker, logger: logger, output: output), output)
        }
    }

    /// Requests run side by side; those on one object that do not wait keep their order.
    private func serve(_ peer: any PeerSystem, _ output: PeerOutput) async {
        await withDiscardingTaskGroup { group in
            for await line in PeerInput.lines() {
                let request: PeerRequest
                do {
                    request = try PeerRequest(line: line)
                } catch {
                    await output.answer(seq: .null, failure: "not a request: \(error)")
                    continue
                }
                let previous = await peer.last(of: request)
                let task = Task {
                    await previous?.value
                    await Self.perform(request, by: peer, output)
                }
                await peer.note(task, for: request)
                group.addTask { await task.value }
            }
            // End of input: nobody hears of what is still open or waiting.
            Self.exit()
        }
    }

    private static func perform(_ request: PeerRequest, by peer: any PeerSystem, _ output: PeerOutput) async {
        do {
            await output.answer(seq: request.seq, result: try await peer.perform(request))
        } catch let error as BelfryError {
            await output.answer(seq: request.seq, failure: error.message)
        } catch {
            await output.answer(seq: request.seq, failure: "\(error)")
        }
    }
}
