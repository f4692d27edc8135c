// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryChatBox
import Dispatch
import Foundation

/// A side without Discord: visitors have numbers, and lines are typed as `<visitor> text`.
enum TerminalService {
    /// Carries texts both ways until the end of input.
    static func serve(_ worker: ChatBoxDiscord.Box.Worker2, _ open: @Sendable () async throws -> Void) async throws {
        let numbers = Numbers()
        worker.onCreate { _ in try await numbers.next(worker) }
        worker.onNewAccess { print("\($0) is here") }
        worker.onMessageReceived { message in
            if message.sentBy == .service1 { print("\(message.service2ID): \(message.content)") }
        }
        try await open()
        while let line = await nextLine() {
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2, let visitor = Int(words[0]) else {
                print("type a visitor's number, a blank, and what to say")
                continue
            }
            do throws(ChatBoxError) {
                try await worker.leave(String(words[1]), for: visitor)
            } catch {
                print(error.message)
            }
        }
    }

    /// Gives numbers that no visitor has, those of earlier runs included.
    actor Numbers {
        private var last = 0

        func next(_ worker: ChatBoxDiscord.Box.Worker2) async throws -> Int {
            while true {
                last += 1
                let number = last
                if try await worker.storedConnection(for: number) == nil { return number }
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
