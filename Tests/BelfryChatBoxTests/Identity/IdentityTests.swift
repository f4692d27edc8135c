// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import BelfryChatBox

@Suite("Ids and times have the database's texts", .timeLimit(.minutes(1)))
struct IdentityTests {
    @Test(
        "a UUID is written in lower case with dashes, and read in any case and without dashes",
        arguments: [
            "aaaaaaaa-0000-4000-8000-0000000000ff", "AAAAAAAA-0000-4000-8000-0000000000FF",
            "aaaaaaaa000040008000" + "0000000000ff", "AAAAAAAA000040008000" + "0000000000FF",
        ]
    )
    func uuid(_ text: String) {
        #expect(UUID(serviceText: text)?.serviceText == "aaaaaaaa-0000-4000-8000-0000000000ff")
    }

    @Test(
        "what is no UUID is not read",
        arguments: [
            "", "notauuid", "aaaaaaaa-0000-4000-8000-0000000000f", "aaaaaaaa-0000-4000-8000-0000000000fff",
            "aaaaaaaa0000-40008000-0000000000ff", "gaaaaaaa-0000-4000-8000-0000000000ff",
            "gaaaaaaa000040008000" + "0000000000ff", "éaaaaaaa00004000800" + "0000000000ff",
        ]
    )
    func noUUID(_ text: String) {
        #expect(UUID(serviceText: text) == nil)
    }

    @Test("a UUID alone makes up new ones")
    func random() {
        #expect(UUID.random() != UUID.random())
        #expect(Int.random() == nil)
        #expect(String.random() == nil)
    }

    /// Python's `repr`.
    @Test(
        "a number's text is Python's",
        arguments: [
            (1.5, "1.5"), (1e16, "1e+16"), (1e-7, "1e-07"), (1e15, "1000000000000000.0"),
            (12345678901234568, "1.2345678901234568e+16"), (9007199254740992, "9007199254740992.0"),
            (9999999999999998, "9999999999999998.0"), (-9999999999999998, "-9999999999999998.0"), (1e22, "1e+22"),
            (0.0001, "0.0001"), (0.00001, "1e-05"), (-0.0, "-0.0"), (.infinity, "inf"), (-.infinity, "-inf"),
            (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"), (100, "100.0"),
        ]
    )
    func double(_ number: Double, _ text: String) {
        #expect(number.serviceText == text)
        #expect(Double(serviceText: text)?.bitPattern == number.bitPattern)
    }

    @Test("whole numbers are decimal, texts themselves")
    func others() {
        #expect(Int.min.serviceText == "-9223372036854775808")
        #expect(Int(serviceText: "-9223372036854775808") == .min)
        #expect(Int(serviceText: "9223372036854775808") == nil)
        #expect(Int(serviceText: "1.0") == nil)
        #expect(String(serviceText: "é\0x")?.serviceText == "é\0x")
    }

    @Test(
        "a time is written in the one form that the original reads, and read back",
        arguments: [
            (0, "1970-01-01 00:00:00"), (1_795_256_000, "2026-11-21 10:13:20"), (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"), (4_107_542_400, "2100-03-01 00:00:00"), (-1, "1969-12-31 23:59:59"),
            (253_402_300_799, "9999-12-31 23:59:59"), (-62_135_596_800, "0001-01-01 00:00:00"),
        ] as [(Double, String)]
    )
    func time(_ seconds: Double, _ text: String) {
        #expect(TimeText.text(Date(timeIntervalSince1970: seconds)) == text)
        #expect(TimeText.text(Date(timeIntervalSince1970: seconds + 0.9)) == text)
        #expect(TimeText.date(text) == Date(timeIntervalSince1970: seconds))
    }

    @Test("a time out of all bounds is written as one within")
    func timeBounds() {
        #expect(TimeText.text(Date(timeIntervalSince1970: 1e300)) == "9999-12-31 23:59:59")
        #expect(TimeText.text(Date(timeIntervalSince1970: -1e300)) == "0001-01-01 00:00:00")
        #expect(TimeText.text(Date(timeIntervalSince1970: .nan)).count == 19)
    }

    @Test(
        "what other programs write for a time is read as well",
        arguments: [
            "2026-11-21T10:13:20", "2026-11-21 10:13:20.123456", "2026-11-21T10:13:20Z", "2026-11-21 10:13:20.5Z",
        ]
    )
    func lenient(_ text: String) {
        #expect(TimeText.date(text) == Date(timeIntervalSince1970: 1_795_256_000))
    }

    @Test(
        "what is no time is not read",
        arguments: [
            "", "now", "2026-02-29 00:00:00", "2026-13-01 00:00:00", "2026-01-01 24:00:00", "2026-01-01 00:00",
            "2026-01-00 00:00:00", "0000-01-01 00:00:00", "2026-01-01 00:00:00+01", "2026-01-01 00:00:00.",
            "2026/01/01 00:00:00", "２０２６-01-01 00:00:00",
        ]
    )
    func noTime(_ text: String) {
        #expect(TimeText.date(text) == nil)
    }
}
