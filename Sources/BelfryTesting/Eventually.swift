// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What was waited for and did not come.
public struct ConditionNotMet: Error, CustomStringConvertible {
    /// What was waited for.
    public let description: String

    /// Names what was waited for.
    public init(_ description: String) { self.description = description }
}

/// Waits until a condition holds that nobody announces, as that a counter comes down.
///
/// - Throws: ``ConditionNotMet`` when it does not within `limit`; what the condition throws.
public func eventually(
    _ what: String,
    within limit: Duration = .seconds(30),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw ConditionNotMet("not met: \(what)") }
        try await Task.sleep(for: .milliseconds(1))
    }
}
