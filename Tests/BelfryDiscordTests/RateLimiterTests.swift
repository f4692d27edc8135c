// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing

@testable import BelfryDiscord

@Suite("Discord's rate limits without a clock", .timeLimit(.minutes(3)))
struct RateLimiterTests {
    private static let second: Int64 = 1_000_000_000
    private let messages = RateLimiter.Route(kind: "POST /channels/messages", resource: 1)
    private let others = RateLimiter.Route(kind: "POST /channels/messages", resource: 2)
    private let threads = RateLimiter.Route(kind: "POST /channels/threads", resource: 1)

    private func fields(_ pairs: [(String, String)], status: Int = 200, body: String = "") -> RateLimitFields {
        var fields = HTTPFields()
        for (name, value) in pairs {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return RateLimitFields(status: status, fields: fields, body: Array(body.utf8))
    }

    private func bucket(_ remaining: Int, after: String, name: String = "abc") -> RateLimitFields {
        fields([
            ("X-RateLimit-Limit", "5"), ("X-RateLimit-Remaining", "\(remaining)"), ("X-RateLimit-Reset-After", after),
            ("x-ratelimit-bucket", name),
        ])
    }

    @Test("an empty bucket is waited for, one of another channel is not")
    func bucket() {
        var limiter = RateLimiter()
        #expect(limiter.take(messages, now: 0) == 0)
        limiter.answered(messages, status: 200, bucket(0, after: "1.5"), now: 0)
        #expect(limiter.take(messages, now: 0) == 1_500_000_000)
        #expect(limiter.take(messages, now: Self.second) == 500_000_000)
        #expect(limiter.take(others, now: 0) == 0)
        #expect(limiter.take(messages, now: 1_500_000_000) == 0)
    }

    @Test("what is left of a bucket is counted down before the answers come")
    func countdown() {
        var limiter = RateLimiter()
        limiter.answered(messages, status: 200, bucket(2, after: "1"), now: 0)
        #expect(limiter.take(messages, now: 0) == 0)
        #expect(limiter.take(messages, now: 0) == 0)
        #expect(limiter.take(messages, now: 0) == Self.second)
    }

    @Test("routes that share a bucket share its limit")
    func shared() {
        var limiter = RateLimiter()
        limiter.answered(threads, status: 200, bucket(4, after: "1"), now: 0)
        limiter.answered(messages, status: 200, bucket(0, after: "2"), now: 0)
        #expect(limiter.take(threads, now: 0) == 2 * Self.second)
    }

    @Test("429 for a route waits as long as it says, for the others not at all")
    func limited() {
        var limiter = RateLimiter()
        let body = #"{"message":"You are being rate limited.","retry_after":64.57,"global":false}"#
        let answer = fields([("Retry-After", "65"), ("X-RateLimit-Bucket", "abc")], status: 429, body: body)
        limiter.answered(messages, status: 429, answer, now: 0)
        #expect(limiter.take(messages, now: 0) == 64_570_000_000)
        #expect(limiter.take(others, now: 0) == 0)
        #expect(limiter.take(messages, now: 64_570_000_000) == 0)
    }

    @Test(
        "a global 429 holds up everything",
        arguments: [
            (#"{"retry_after":3.5,"global":true}"#, "X-Else", "1", 3_500_000_000 as Int64),
            (#"{"retry_after":3.5}"#, "X-RateLimit-Global", "true", 3_500_000_000),
            (#"{"retry_after":2}"#, "X-RateLimit-Scope", "global", 2_000_000_000),
            ("<html>", "Retry-After", "7", 7_000_000_000), ("", "X-Else", "1", 5_000_000_000),
        ]
    )
    func global(_ body: String, _ name: String, _ value: String, _ wait: Int64) {
        var limiter = RateLimiter()
        limiter.answered(messages, status: 429, fields([(name, value)], status: 429, body: body), now: 0)
        #expect(limiter.take(messages, now: 0) == wait)
        #expect(limiter.take(threads, now: 0) == wait)
        #expect(limiter.take(threads, now: wait) == 0)
    }

    @Test("50 requests a second go out, over all routes")
    func perSecond() {
        var limiter = RateLimiter()
        for index in 0..<50 {
            #expect(limiter.take(.init(kind: "GET", resource: index), now: Int64(index) * 1_000_000) == 0)
        }
        #expect(limiter.take(messages, now: 100_000_000) == 900_000_000)
        #expect(limiter.take(messages, now: Self.second) == 0)
        #expect(limiter.take(messages, now: Self.second) > 0)
    }

    @Test(
        "fields that are no numbers, or far out, do no harm",
        arguments: ["", "-1", "nan", "inf", "1e300", "x", "99999999999999999999"]
    )
    func oddFields(_ value: String) {
        var limiter = RateLimiter()
        let names = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset-After", "Retry-After"]
        let body = #"{"retry_after":1e400,"global":7}"#
        limiter.answered(messages, status: 429, fields(names.map { ($0, value) }, status: 429, body: body), now: 0)
        #expect((0...86_400 * Self.second).contains(limiter.take(messages, now: 0)))
    }

    @Test("limits of ever new channels take no more than so much memory")
    func bounded() {
        var limiter = RateLimiter()
        for index in 0..<5_000 {
            limiter.answered(.init(kind: "k", resource: index), status: 200, bucket(1, after: "60", name: "n"), now: 0)
        }
        #expect(limiter.bucketCount <= RateLimiter.maxBuckets)
    }
}
