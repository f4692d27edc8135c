// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import Synchronization

/// What a Watchbox server keeps on one event loop: the groups that are at home there, and the requests held there.
///
/// Loop-confined. It taps the rooms of its groups, to hear what other protocols say there.
final class WatchboxHub: RoomTap {
    /// Holds this; gone when nobody uses the server any more.
    private weak let shared: WatchboxShared?
    private var groups: [String: WatchboxGroup] = [:]
    /// By number.
    var polls: [UInt64: WatchboxPoll] = [:]
    private var isTapping = false

    init(_ shared: WatchboxShared) { self.shared = shared }

    // MARK: RoomTap

    func wants(_ room: String) -> Bool { groups[room] != nil }

    func published(_ event: String, _ payload: Payload, in room: String, on context: LoopContext) {
        guard let shared, let group = groups[room] else { return }
        guard let json = MessageText.json(event: event, payload) else {
            return shared.log.write(1, "a message in group '\(room)' that is no JSON was left out")
        }
        append(json, from: nil, at: context.endOffset(of: room) &- 1, to: group, on: context)
    }

    // MARK: Groups

    /// Makes a client a member of a group.
    ///
    /// - Returns: Whether it was none before; nil when there can't be such a group.
    func join(_ id: ClientID, _ name: String, on context: LoopContext) -> Bool? {
        guard let group = group(name, on: context) else { return nil }
        let isNew = group.add(id)
        // Forgotten meanwhile: whoever forgot it may have been here already.
        if isNew, shared?.clients.contains(id) != true { leave(id, name, on: context) }
        return isNew
    }

    private func group(_ name: String, on context: LoopContext) -> WatchboxGroup? {
        if let group = groups[name] { return group }
        if !isTapping {
            isTapping = true
            context.setTap(self, isActive: true)
        }
        guard let room = context.hold(name) else { return nil }
        let group = WatchboxGroup(name: name, room: room, shared: shared)
        groups[name] = group
        context.updateTaps(of: name)
        return group
    }

    /// For a member that resumes: its group, and the offset from which on it gets everything.
    func resume(_ id: ClientID, _ name: String, on context: LoopContext) -> (group: WatchboxGroup, end: UInt64)? {
        guard let group = groups[name], group.contains(id) else { return nil }
        if group.keeper == nil { group.keeper = context.keepPast(of: name) }
        return (group, context.endOffset(of: name))
    }

    /// Takes a client out of a group.
    func leave(_ id: ClientID, _ name: String, on context: LoopContext) {
        guard let group = groups[name] else { return }
        group.remove(id)
        guard group.isEmpty else { return }
        if let keeper = group.keeper { context.releasePast(of: name, keeper) }
        groups[name] = nil
        context.updateTaps(of: name)
    }

    /// Publishes what a client said, or the process, to the group and the room.
    func publish(_ json: [UInt8], from id: ClientID?, _ sender: Sender, to name: String, on context: LoopContext) {
        if let group = groups[name] {
            append(json, from: id, at: context.endOffset(of: name), to: group, on: context)
        }
        context.relay("", Payload(.json, bytes: json), to: name, sender: sender, from: self)
    }

    private func append(
        _ json: [UInt8],
        from id: ClientID?,
        at offset: UInt64,
        to group: WatchboxGroup,
        on context: LoopContext
    ) {
        guard let shared else { return }
        let configuration = shared.configuration
        group.append(json, from: id, at: offset, now: context.turnTime, limit: shared.settings.listLimit) {
            let total = shared.groupBytes.load(ordering: .relaxed)
            return total > configuration.maxGroupBytesInAll ? 0 : configuration.maxGroupBytes
        }
        guard !group.waiters.isEmpty, !group.isTelling else { return }
        group.isTelling = true
        // Once for all that is published in this turn.
        let box = LoopConfined(onLoop: (self, group, context), context.loop)
        context.loop.execute {
            let (hub, group, context) = box.value
            hub.tell(group, on: context)
        }
    }

    private func tell(_ group: WatchboxGroup, on context: LoopContext) {
        group.isTelling = false
        let waiters = group.waiters
        group.waiters = []
        shared?.wake(waiters, from: context)
    }

    /// The next message of a client in a group; `isMember` says whether it is one.
    func next(for id: ClientID, in name: String, on context: LoopContext) -> (
        isMember: Bool, entry: WatchboxGroup.Entry?
    ) {
        guard let shared, let group = groups[name], group.contains(id) else { return (false, nil) }
        let settings = shared.settings
        let window = WatchboxGroup.Window(
            limit: settings.listLimit,
            oldest: context.turnTime.subtracting(settings.ttl),
            includesOwn: settings.deliverToSender
        )
        return (true, group.next(for: id, window) { context.shared.countLost($0) })
    }

    func addWaiter(_ waiter: WatchboxClients.Waiter, to name: String) { groups[name]?.waiters.insert(waiter) }
    func removeWaiter(_ waiter: WatchboxClients.Waiter, from name: String) { groups[name]?.waiters.remove(waiter) }

    /// The server has gone.
    func end(on context: LoopContext) {
        let names = Array(groups.keys)
        groups = [:]
        context.setTap(self, isActive: false)
        for name in names { context.updateTaps(of: name) }
    }

    /// Drops what is too old.
    func sweep(on context: LoopContext) {
        guard let shared else { return }
        let oldest = context.turnTime.subtracting(shared.settings.ttl)
        for group in groups.values { group.sweep(oldest: oldest) }
    }
}

extension Int64 {
    /// A moment so long before, in nanoseconds.
    func subtracting(_ duration: Duration) -> Int64 {
        let (moment, overflow) = subtractingReportingOverflow(duration.nanoseconds)
        return overflow ? .min : moment
    }
}
