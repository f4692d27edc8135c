// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Testing

@testable import BelfryIO

#if Uring
private let kernelHasUring = (try? UringBackend.probe().get()) != nil

@Suite("io_uring backend", .enabled(if: kernelHasUring), .timeLimit(.minutes(3)))
struct UringBackendTests {
    @Test("The probe names what it found")
    func probeFeatures() throws {
        let found = try UringBackend.probe().get()
        #expect(found.backend == .uring)
        #expect(found.features.contains("multishot receive"))
    }

    @Test("A refusal says why", arguments: [(ENOSYS, "no io_uring"), (EPERM, "forbidden"), (ENOMEM, "RLIMIT_MEMLOCK")])
    func refusals(_ number: Int32, _ words: String) {
        #expect(UringProbe.refusal(number).message.contains(words))
    }

    @Test("A ring is halved while the kernel has no memory, and given up below 64 entries")
    func halving() throws {
        var asked: [UInt32] = []
        _ = try UringRing.negotiate(1024) { entries, _ in
            asked.append(entries)
            return entries > 256 ? -ENOMEM : 0
        }
        #expect(asked == [1024, 512, 256])
        let error = #expect(throws: IOError.self) { try UringRing.negotiate(256) { _, _ in -ENOMEM } }
        #expect(error?.code == .outOfMemory)
    }

    @Test("Flags that a kernel does not know are done without")
    func olderKernels() throws {
        var asked: Set<UInt32> = []
        _ = try UringRing.negotiate(64) { _, flags in
            asked.insert(flags)
            return asked.count < 3 ? -EINVAL : 0
        }
        #expect(asked.count == 3)
        let error = #expect(throws: IOError.self) { try UringRing.negotiate(64) { _, _ in -EINVAL } }
        #expect(error?.code == .unavailable)
    }

    @Test("Bytes pass both ways and the end of the stream is told once")
    func echo() throws {
        let rig = try UringRig()
        let (peer, handle) = try rig.connectPeer()
        rig.backend.arm(.receive, on: handle)
        #expect(peer.send([1, 2, 3]) == 3)
        try rig.turn { $0.received[handle]?.count == 3 }
        #expect(rig.received[handle] == [1, 2, 3])
        #expect(rig.send([testChunk([4]), testChunk([5, 6])], on: handle) == .queued)
        try rig.turn(waits: false)
        #expect(peer.receive(10) == [4, 5, 6])
        shutdown(peer.descriptor, Int32(SHUT_WR))
        try rig.turn { !$0.events.isEmpty }
        rig.backend.close(handle)
        let isOpen = rig.backend.isOpen(handle)
        #expect(!isOpen)
        try rig.turn { $0.events.last == "closed" }
        #expect(rig.events == ["ended", "closed"])
        #expect(peer.receive(1, waits: true) == [])
        #expect(rig.openHandles == 1)
        #expect(rig.leased == 0)
    }

    @Test("Receiving goes on after the buffers ran out", arguments: [false, true])
    func bufferExhaustion(shared: Bool) throws {
        var options = IOOptions()
        options.receiveBuffers = 2
        options.receiveBufferBytes = 64
        let rig = try UringRig(options, sharesBuffers: shared)
        let (peer, handle) = try rig.connectPeer()
        let bytes = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        #expect(peer.send(bytes) == bytes.count)
        rig.backend.arm(.receive, on: handle)
        try rig.turn { $0.received[handle]?.count == bytes.count }
        #expect(rig.received[handle] == bytes)
        #expect(rig.leased == 0)
    }

    @Test("What many send in one turn lies side by side in the buffers, and stays whole", arguments: [false, true])
    func manySenders(shared: Bool) throws {
        var options = IOOptions()
        options.receiveBuffers = 64
        options.receiveBufferBytes = 1000
        let rig = try UringRig(options, sharesBuffers: shared)
        let peers = try rig.connectPeers(40)
        for handle in rig.accepted { rig.backend.arm(.receive, on: handle) }
        try rig.turn(waits: false)
        var wanted = peers.map { _ in [UInt8]() }
        // Some end in a buffer's middle, some reach over its end, some fill several.
        for size in [1, 7, 300, 999, 1000, 1001, 2500, 1, 64] {
            for (index, peer) in peers.enumerated() {
                let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index &+ size) }
                #expect(peer.send(bytes) == size)
                wanted[index] += bytes
            }
            try rig.turn { rig in rig.accepted.allSatisfy { rig.received[$0]?.count == wanted[0].count } }
            #expect(rig.leased == 0)
        }
        #expect(Set(rig.accepted.compactMap { rig.received[$0] }) == Set(wanted))
    }

    @Test(
        "The kernel starts anew in its buffer each turn, where it shares them",
        .enabled(if: UringRig.canShareBuffers)
    )
    func rewinding() throws {
        let rig = try UringRig()
        let (peer, handle) = try rig.connectPeer()
        rig.backend.arm(.receive, on: handle)
        for round in 1...100 {
            #expect(peer.send([UInt8(round)]) == 1)
            try rig.turn { $0.received[handle]?.count == round }
        }
        #expect(rig.starts == Array(repeating: 0, count: 100))
    }

    @Test("A paused handle brings nothing new until it is armed again")
    func pause() throws {
        let rig = try UringRig()
        let (peer, handle) = try rig.connectPeer()
        rig.backend.arm(.receive, on: handle)
        try rig.turn(waits: false)
        rig.backend.pause(.receive, on: handle)
        try rig.turn(waits: false)
        try rig.turn(waits: false)
        #expect(peer.send([7]) == 1)
        try rig.turn(waits: false)
        #expect(rig.received[handle] == nil)
        rig.backend.arm(.receive, on: handle)
        try rig.turn { $0.received[handle] == [7] }
    }

    @Test("A send that finds no room is finished by the kernel, in order, and writable is told at its end")
    func shortSend() throws {
        let rig = try UringRig()
        let (peer, handle) = try rig.connectPeer()
        let bytes = (0..<8 << 20).map { UInt8(truncatingIfNeeded: $0 >> 8 ^ $0) }
        let segments = [testChunk(Array(bytes[..<(1 << 20)])), testChunk(Array(bytes[(1 << 20)...]))]
        #expect(rig.send(segments, on: handle) == .queued)
        #expect(rig.send(segments, on: handle) == .busy)
        try rig.turn(waits: false)
        try rig.turn(waits: false)
        #expect(rig.events == [])
        var got: [UInt8] = []
        while got.count < bytes.count {
            if let more = peer.receive(1 << 20) { got += more } else { try rig.turn(waits: false) }
        }
        #expect(got == bytes)
        try rig.turn { !$0.events.isEmpty }
        #expect(rig.events == ["writable"])
        #expect(rig.send([testChunk([1])], on: handle) == .queued)
    }

    @Test("A batch of more segments than one call carries arrives whole, and finish follows it")
    func manySegments() throws {
        let rig = try UringRig()
        let (peer, handle) = try rig.connectPeer()
        let chunks = (0..<200).map { testChunk([UInt8($0)]) }
        #expect(rig.send(chunks, on: handle) == .queued)
        rig.backend.finish(handle)
        #expect(rig.send(chunks, on: handle) == .closed)
        for _ in 0..<4 { try rig.turn(waits: false) }
        #expect(peer.receive(1000, waits: true) == (0..<200).map { UInt8($0) })
        #expect(peer.receive(1, waits: true) == [])
    }

    @Test("A closed handle's send keeps its memory until the kernel has let go")
    func closeWithSendInFlight() throws {
        let rig = try UringRig()
        let (peer, handle) = try rig.connectPeer()
        weak var memory: FrameChunk?
        do {
            let chunk = testChunk([UInt8](repeating: 1, count: 32 << 20))
            memory = chunk
            _ = rig.send([chunk], on: handle)
        }
        try rig.turn(waits: false)
        try rig.turn(waits: false)
        rig.backend.close(handle)
        #expect(memory != nil)
        #expect(rig.openHandles == 2)
        try rig.turn { $0.events == ["closed"] }
        #expect(memory == nil)
        #expect(rig.openHandles == 1)
        _ = peer.descriptor
    }

    @Test("A hundred sends and their end cost one entry into the kernel")
    func fanOut() throws {
        let rig = try UringRig()
        let peers = try rig.connectPeers(100)
        let chunk = testChunk([1, 2, 3])
        let before = rig.kernelEntries
        for handle in rig.accepted { #expect(rig.send([chunk], on: handle) == .queued) }
        try rig.turn(waits: false)
        #expect(rig.kernelEntries == before + 1)
        for handle in rig.accepted { #expect(rig.send([chunk], on: handle) == .queued) }
        #expect(peers.allSatisfy { $0.receive(3, waits: true) == [1, 2, 3] })
    }

    @Test("More failing sends than either queue holds are all told")
    func queuesOverflow() throws {
        var options = IOOptions()
        options.submissionEntries = 16
        let rig = try UringRig(options, completionsPerEntry: 2)
        let peers = try rig.connectPeers(100)
        for handle in rig.accepted {
            _ = rig.send([testChunk([1])], on: handle)
            rig.backend.finish(handle)
        }
        for _ in 0..<3 { try rig.turn(waits: false) }
        #expect(peers.allSatisfy { $0.receive(2, waits: true) == [1] })
        // The write side is shut: each of these fails at once.
        rig.events = []
        for handle in rig.accepted {
            rig.backend.entry(handle)?.finishing = false
            _ = rig.send([testChunk([1])], on: handle)
        }
        try rig.turn { $0.events.count == 100 }
        #expect(rig.events.allSatisfy { $0.hasPrefix("failed") })
    }

    @Test("A listener without descriptors says so once, waits ever longer, and tries at once when one is closed")
    func starvation() throws {
        var backend = try UringBackend(IOOptions())
        let listener = try backend.listen(on: .loopback(port: 0), backlog: 1)
        let other = try backend.bindDatagrams(to: .loopback(port: 0))
        let found = backend.entry(listener)
        let entry = try #require(found)
        var batch = CompletionBatch()
        entry.armed = true
        for pause in [10_000_000, 20_000_000, 40_000_000] {
            // As if the kernel had been asked, and had no descriptor to give.
            entry.standing = true
            entry.outstanding += 1
            backend.accepted(entry, UringCompletion(userData: 0, result: -EMFILE, flags: 0), &batch)
            #expect(entry.backOff == Int64(pause))
        }
        #expect(batch.items.count == 1)
        entry.retryAt = backend.now + 3_600_000_000_000
        try backend.harvest(into: &batch, until: 0)
        #expect(!entry.standing)
        backend.close(other)
        try backend.harvest(into: &batch, until: 0)
        #expect(entry.standing)
    }

    @Test("A connection to nobody fails, one to a listener stands and sends what was queued before")
    func connects() throws {
        let rig = try UringRig()
        let own = try rig.backend.connect(to: rig.address)
        _ = rig.send([testChunk([9])], on: own)
        try rig.turn { $0.events == ["connected"] && $0.accepted.count == 1 }
        rig.backend.arm(.receive, on: rig.accepted[0])
        let server = rig.accepted[0]
        try rig.turn { $0.received[server] == [9] }
        rig.backend.close(rig.listener)
        try rig.turn { $0.events.contains("closed") }
        rig.events = []
        _ = try rig.backend.connect(to: rig.address)
        try rig.turn { !$0.events.isEmpty }
        #expect(rig.events == ["failed Connection refused"])
    }

    @Test("A wake ends the wait, each time")
    func wakes() throws {
        let rig = try UringRig()
        try rig.turn(waits: false)
        for _ in 0..<3 {
            rig.backend.waker.wake()
            // Without limit: a wake that was missed would never end this.
            var batch = CompletionBatch()
            try rig.backend.harvest(into: &batch, until: nil)
            #expect(batch.items.isEmpty)
        }
    }

    @Test("A wake that comes before the first wait ends it")
    func earlyWake() throws {
        let rig = try UringRig()
        rig.backend.waker.wake()
        var batch = CompletionBatch()
        let limit = rig.backend.now + 20_000_000_000
        try rig.backend.harvest(into: &batch, until: limit)
        #expect(rig.backend.now < limit)
    }

    @Test("What was open is closed with the backend")
    func tearDown() throws {
        var rig: UringRig? = try UringRig()
        let address = try #require(rig).address
        let peer = try startConversation(#require(rig))
        rig = nil
        while let bytes = peer.receive(1 << 20, waits: true), !bytes.isEmpty {}
        // Its port is free at once.
        var again = try UringBackend(IOOptions())
        _ = try again.listen(on: address, backlog: 1)
    }

    /// A peer with a receive and a send under way on its connection.
    private func startConversation(_ rig: UringRig) throws -> TestPeer {
        let (peer, handle) = try rig.connectPeer()
        rig.backend.arm(.receive, on: handle)
        _ = rig.send([testChunk([UInt8](repeating: 1, count: 32 << 20))], on: handle)
        try rig.turn(waits: false)
        try rig.turn(waits: false)
        return peer
    }

    @Test("Datagrams arrive with their sender")
    func datagrams() throws {
        let rig = try UringRig()
        let one = try rig.backend.bindDatagrams(to: .loopback(port: 0))
        let two = try rig.backend.bindDatagrams(to: .loopback(port: 0))
        let bound = rig.backend.localAddress(of: one)
        let target = try #require(bound)
        rig.backend.arm(.receiveDatagrams, on: one)
        for count in [3, 1] {
            let wasSent = rig.backend.sendDatagram([UInt8](repeating: 0, count: count).span, to: target, on: two)
            #expect(wasSent)
        }
        try rig.turn { $0.events.count == 2 }
        #expect(rig.events == ["datagram 3", "datagram 1"])
    }
}
#endif
