// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryTesting
import Testing

@Suite("Listening", .timeLimit(.minutes(3)))
struct ListenTests {
    @Test("a port that is let go of meanwhile is had", arguments: LoopSetup.all)
    func late(_ setup: LoopSetup) async throws {
        try await withBroker(setup) { old in
            try await withBroker(setup) { new in
                async let bound = new.broker.listen(on: old.address, frontEnd: LineFrontEnd())
                await old.broker.shutDown()
                let address = try await bound.address
                #expect(address == old.address)
            }
        }
    }

    @Test("a port that stays taken is an error that names it")
    func taken() async throws {
        try await withBroker { old in
            try await withBroker { new in
                let error = await #expect(throws: BelfryError.self) {
                    _ = try await new.broker.listen(on: old.address, frontEnd: LineFrontEnd())
                }
                #expect(error?.code == .startFailed)
                #expect(error?.message.contains("\(old.address)") == true)
            }
        }
    }
}
