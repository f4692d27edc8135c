// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// Says when a request may be sent, from what earlier answers said; no clock, no I/O.
///
/// Times are nanoseconds of any clock.
struct RateLimiter {
    /// What Discord limits together: a kind of request, and its top-level resource (a channel or a server).
    struct Route: Hashable, Sendable {
        var kind: String
        var resource: Int
    }

    private struct Bucket {
        var limit: Int
        var remaining: Int
        var resetAt: Int64
    }

    private struct BucketID: Hashable {
        var name: String
        var resource: Int
    }

    /// Requests in a second, over everything.
    static let globalLimit = 50
    static let maxBuckets = 1_000
    private static let second: Int64 = 1_000_000_000
    /// After a 429 that does not say how long.
    private static let unknownWait = 5 * second

    private var names: [String: String] = [:]
    private var buckets: [BucketID: Bucket] = [:]
    private var globalUntil: Int64 = .min
    private var recent: Deque<Int64> = []

    init() {}

    /// Takes a place for a request: 0 when it may be sent now, otherwise the nanoseconds to wait before asking again.
    mutating func take(_ route: Route, now: Int64) -> Int64 {
        guard now >= globalUntil else { return globalUntil - now }
        while let first = recent.first, now - first >= Self.second { recent.removeFirst() }
        if recent.count >= Self.globalLimit, let first = recent.first { return max(1, first + Self.second - now) }
        let id = bucketID(route)
        if var bucket = buckets[id] {
            if now >= bucket.resetAt {
                // What the new window has is told by its first answer; until then one at a time.
                buckets[id] = nil
            } else if bucket.remaining > 0 {
                bucket.remaining -= 1
                buckets[id] = bucket
            } else {
                return bucket.resetAt - now
            }
        }
        recent.append(now)
        return 0
    }

    private func bucketID(_ route: Route) -> BucketID {
        BucketID(name: names[route.kind] ?? route.kind, resource: route.resource)
    }

    /// An answer has come.
    mutating func answered(_ route: Route, status: Int, _ fields: RateLimitFields, now: Int64) {
        if let bucket = fields.bucket { names[route.kind] = bucket }
        let id = bucketID(route)
        if status == 429 {
            let until = now + (fields.retryAfter ?? fields.resetAfter ?? Self.unknownWait)
            if fields.isGlobal {
                globalUntil = max(globalUntil, until)
            } else {
                set(id, Bucket(limit: fields.limit ?? 1, remaining: 0, resetAt: until), now)
            }
        } else if let remaining = fields.remaining, let resetAfter = fields.resetAfter {
            set(id, Bucket(limit: fields.limit ?? remaining, remaining: remaining, resetAt: now + resetAfter), now)
        }
    }

    private mutating func set(_ id: BucketID, _ bucket: Bucket, _ now: Int64) {
        if buckets[id] == nil, buckets.count >= Self.maxBuckets {
            buckets = buckets.filter { $0.value.resetAt > now }
            if buckets.count >= Self.maxBuckets, let soonest = buckets.min(by: { $0.value.resetAt < $1.value.resetAt })
            {
                buckets[soonest.key] = nil
            }
        }
        buckets[id] = bucket
    }

    /// Limits that are kept.
    var bucketCount: Int { buckets.count }
}
