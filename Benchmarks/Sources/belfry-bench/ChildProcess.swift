// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLoad
import Glibc

/// A program started and pinned by the driver; it does not outlive it.
struct ChildProcess {
    let id: CInt

    /// Starts a program found by `PATH`; negative descriptors leave its output where the driver's goes.
    init(_ arguments: [String], core: Int, cores: Int = 1, niceness: Int, output: CInt = -1, errors: CInt = -1) throws {
        var strings: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        strings.append(nil)
        defer { for string in strings { free(string) } }
        id = cload_spawn(&strings, CInt(core), CInt(cores), CInt(niceness), output, errors)
        guard id > 0 else { throw BenchError("\(arguments[0]) could not be started") }
    }

    /// Its exit status, if it has ended (128 + signal if by one).
    func status() -> CInt? {
        let status = cload_wait(id, 0)
        return status == -2 ? nil : status
    }

    /// Waits for its end.
    func wait() -> CInt { cload_wait(id, 1) }

    /// Asks it to end, and after two seconds makes it.
    func stop() {
        kill(id, SIGTERM)
        for _ in 0..<200 {
            if status() != nil { return }
            usleep(10_000)
        }
        kill(id, SIGKILL)
        _ = wait()
    }
}
