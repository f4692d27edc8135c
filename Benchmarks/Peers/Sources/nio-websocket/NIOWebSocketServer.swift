// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// `nio-websocket [PORT] [LOOPS]`: a SwiftNIO server that gives every message to every other client; port 0 lets the
/// system choose, and the port is printed.
@main
struct NIOWebSocketServer {
    static func main() async throws {
        let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: numbers.dropFirst().first ?? 1)
        let hub = try await Hub(group)
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4_096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                let upgrader = NIOWebSocketServerUpgrader(
                    // The default is 16 KiB, which a payload of that size and what is around it exceed.
                    maxFrameSize: 1 << 20,
                    shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
                    upgradePipelineHandler: { channel, _ in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(Member(hub))
                        }
                    }
                )
                return channel.pipeline.configureHTTPServerPipeline(
                    withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in })
                )
            }
            .bind(host: "127.0.0.1", port: numbers.first ?? 0).get()
        print("listening on \(server.localAddress?.port ?? 0)")
        fflush(nil)
        try await server.closeFuture.get()
    }
}
