// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Certificates of an authority of their own, made by `openssl` in a folder that goes away with the tests.
final class Certificates: Sendable {
    static let shared: Result<Certificates, any Error> = Result {
        let made = try Certificates()
        // What is static is never deinitialised.
        atexit { Certificates.removeShared() }
        return made
    }

    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("belfry-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try make("authority", ["-x509", "-days", "2", "-subj", "/CN=Belfry test authority"])
        try issue("server", "DNS:belfry.test,DNS:*.rooms.test,IP:127.0.0.1,IP:::1", days: 2)
        try issue("expired", "DNS:belfry.test", days: 0)
        try make(
            "alone",
            ["-x509", "-days", "2", "-subj", "/CN=belfry.test", "-addext", "subjectAltName=DNS:belfry.test"]
        )
    }

    private static func removeShared() {
        if let made = try? shared.get() { try? FileManager.default.removeItem(at: made.folder) }
    }

    func certificate(_ name: String) -> String { folder.appendingPathComponent("\(name).pem").path }
    func key(_ name: String) -> String { folder.appendingPathComponent("\(name).key").path }

    private func make(_ name: String, _ arguments: [String]) throws {
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.key(name)]
        try run(["req"] + key + ["-out", certificate(name)] + arguments)
    }

    private func issue(_ name: String, _ names: String, days: Int) throws {
        try make(name, ["-subj", "/CN=\(name)"])
        let extensions = folder.appendingPathComponent("\(name).ext")
        try Data("subjectAltName=\(names)\n".utf8).write(to: extensions)
        try run([
            "x509", "-req", "-in", certificate(name), "-CA", certificate("authority"), "-CAkey", key("authority"),
            "-CAcreateserial", "-days", "\(days)", "-extfile", extensions.path, "-out", certificate(name),
        ])
    }

    private func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
}
