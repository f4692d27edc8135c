// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import Belfry
public import BelfryIO
import Foundation
public import Logging

/// The options that choose the I/O engine.
struct EngineOptions: ParsableArguments {
    @Option(help: "The I/O engine: auto, epoll or uring. BELFRY_IO is read if this is absent.")
    var io: IOChoice?

    @Option(help: "Event loops; one per core if absent.")
    var loops: Int?

    func validate() throws {
        if let loops, !(1...256).contains(loops) { throw ValidationError("--loops takes a number from 1 to 256.") }
        if io == nil, let word = Self.environmentWord, IOChoice(word) == nil {
            throw ValidationError("BELFRY_IO is '\(word)'; it takes auto, epoll or uring.")
        }
    }

    private static var environmentWord: String? { ProcessInfo.processInfo.environment["BELFRY_IO"] }

    /// What was asked for, by option or environment.
    var choice: IOChoice { io ?? Self.environmentWord.flatMap { IOChoice($0) } ?? .automatic }

    func configuration() -> BrokerConfiguration { BrokerConfiguration(io: choice, loops: loops) }
}

extension IOChoice: ExpressibleByArgument {
    /// Reads the word of the command line.
    public init?(argument: String) { self.init(argument) }

    /// What completion offers.
    public static var allValueStrings: [String] { ["auto", "epoll", "uring"] }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

extension CleanExit {
    /// One line on standard error and status 1.
    static func failure(_ message: String) -> any Error {
        FileHandle.standardError.write(Data("belfry: \(message)\n".utf8))
        return ExitCode.failure
    }
}
