// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// What a response says about rate limits ("Rate Limits" in Discord's documentation).
struct RateLimitFields: Equatable {
    /// Requests in a window.
    var limit: Int?
    /// Requests that are left in it.
    var remaining: Int?
    /// Nanoseconds until it ends.
    var resetAfter: Int64?
    /// Which limit it is, for all routes that share it.
    var bucket: String?
    /// Of a 429: it holds for everything.
    var isGlobal = false
    /// Of a 429: nanoseconds until one may try again.
    var retryAfter: Int64?

    init() {}

    init(status: Int, fields: HTTPFields, body: [UInt8]) {
        for field in fields {
            switch field.name.canonicalName {
            case "x-ratelimit-limit": limit = Int(field.value).map { min(max($0, 0), 100_000) }
            case "x-ratelimit-remaining": remaining = Int(field.value).map { min(max($0, 0), 100_000) }
            case "x-ratelimit-reset-after": resetAfter = Self.nanoseconds(Double(field.value))
            case "x-ratelimit-bucket": bucket = field.value.utf8.count <= 128 ? field.value : nil
            case "x-ratelimit-global": isGlobal = field.value.lowercased() == "true"
            case "x-ratelimit-scope": if field.value == "global" { isGlobal = true }
            case "retry-after": retryAfter = Self.nanoseconds(Double(field.value))
            default: break
            }
        }
        guard status == 429 else { return }
        // The body is more exact than the field.
        guard let json = DiscordJSON(body) else {
            // Not of the API but of what stands before it: then it holds for everything.
            isGlobal = true
            return
        }
        retryAfter = Self.nanoseconds(json.double("retry_after")) ?? retryAfter
        if json.isTrue("global") { isGlobal = true }
    }

    /// At most a day.
    private static func nanoseconds(_ seconds: Double?) -> Int64? {
        guard let seconds, seconds.isFinite else { return nil }
        return Int64((min(max(seconds, 0), 86_400) * 1_000_000_000).rounded(.up))
    }
}
