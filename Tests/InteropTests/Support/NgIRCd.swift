// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO
import BelfryTesting
import Foundation
import Logging

/// Debian's IRC server on the loopback, with a configuration of its own; it ends with this process at the latest.
final class NgIRCd: Sendable {
    let port: UInt16
    private let process: Process
    private let lifeline: Pipe
    private let directory: URL
    private let ended: AsyncStream<Void>

    /// Starts it on a port that is free now; on another one when it is taken meanwhile.
    ///
    /// - Parameters:
    ///   - password: What clients have to know; nil for nothing.
    ///   - limits: Lines for the section `Limits`.
    static func start(password: String? = nil, limits: [String] = []) async throws -> NgIRCd {
        for _ in 0..<5 {
            let server = try NgIRCd(port: try await freePort(), password: password, limits: limits)
            if await server.answers() { return server }
            await server.stop()
        }
        throw Programs.Missing("ngircd does not start: `make test` installs it")
    }

    /// A second life on the same port.
    func restarted() async throws -> NgIRCd {
        for _ in 0..<10 {
            let server = try NgIRCd(port: port, password: nil, limits: [])
            if await server.answers() { return server }
            await server.stop()
        }
        throw Programs.Missing("ngircd does not start again on port \(port)")
    }

    /// Ends it, and waits for that.
    func stop() async {
        try? lifeline.fileHandleForWriting.close()
        for await _ in ended {}
        try? FileManager.default.removeItem(at: directory)
    }

    private init(port: UInt16, password: String?, limits: [String]) throws {
        self.port = port
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("belfry-irc-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let file = directory.appendingPathComponent("ngircd.conf")
        let text = """
            [Global]
            Name = irc.belfry.test
            Info = Tests
            Listen = 127.0.0.1
            Ports = \(port)
            MotdPhrase = hello
            \(password.map { "Password = \($0)" } ?? "")
            [Limits]
            MaxConnectionsIP = 0
            MaxJoins = 0
            MaxPenaltyTime = 0
            \(limits.joined(separator: "\n"))
            [Options]
            DNS = no
            Ident = no
            PAM = no
            """
        try text.write(to: file, atomically: true, encoding: .utf8)
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        ended = stream
        process = Process()
        lifeline = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", Self.shell, "sh", file.path]
        process.standardInput = lifeline
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.terminationHandler = { _ in continuation.finish() }
        try process.run()
    }

    /// Runs it until the lifeline ends; a test runner may have blocked every gentler signal, and the one that `wait`
    /// waits for.
    private static let shell = """
        exec 3<&0
        /usr/sbin/ngircd -n -f "$1" 3<&- </dev/null &
        read -r _ <&3
        kill -KILL $!
        """

    /// Whether it takes connections; it is quick, or it could not have the port.
    private func answers() async -> Bool {
        let address = SocketAddress.loopback(port: port)
        let found: Void? = try? await eventually("ngircd on port \(port)", within: .seconds(3)) {
            guard let probe = try? await TestClient(to: address) else { return false }
            await probe.close()
            return true
        }
        return found != nil
    }

    private static func freePort() async throws -> UInt16 {
        let group = try EventLoopGroup(.epoll, count: 1, logger: Logger(label: "belfry.test"))
        let port = try await PortProbe(loop: group.loops[0]).port()
        await group.shutDown()
        return port
    }
}

/// Asks the kernel for a port by listening on none in particular.
private actor PortProbe: LoopBound {
    nonisolated let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    func port() throws -> UInt16 {
        let listener = try loop.listen(on: .loopback(port: 0), handler: Nobody())
        defer { loop.close(listener) }
        return loop.localAddress(of: listener)?.port ?? 0
    }
}

/// Nobody comes.
private final class Nobody: IOHandler {}
