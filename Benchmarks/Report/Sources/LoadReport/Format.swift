// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// How figures are written for people.
public enum Format {
    /// A number with three significant digits or so, `n/a` without one.
    public static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "n/a" }
        let magnitude = value.magnitude
        if magnitude >= 10_000_000 { return fixed(value / 1_000_000, 1) + "M" }
        if magnitude >= 1_000_000 { return fixed(value / 1_000_000, 2) + "M" }
        if magnitude >= 10_000 { return fixed(value / 1_000, 0) + "k" }
        if magnitude >= 100 { return fixed(value, 0) }
        if magnitude >= 10 { return fixed(value, 1) }
        if magnitude >= 1 { return fixed(value, 2) }
        return fixed(value, magnitude >= 0.01 || magnitude == 0 ? 3 : 5)
    }

    /// A share as whole per cent.
    public static func percent(_ value: Double?) -> String {
        value.map { fixed($0 * 100, 0) + "%" } ?? "n/a"
    }

    /// A number with a fixed count of decimals.
    public static func fixed(_ value: Double, _ decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (value.magnitude * scale).rounded()
        guard scaled < 9e15 else { return "\(value)" }
        let whole = Int(scaled)
        let unit = Int(scale)
        let sign = value < 0 && whole != 0 ? "-" : ""
        guard decimals > 0 else { return sign + "\(whole)" }
        let fraction = String(whole % unit)
        return sign + "\(whole / unit)." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }

    /// Text filled with spaces to a width, on the left or on the right.
    public static func pad(_ text: String, _ width: Int, left: Bool = true) -> String {
        let fill = String(repeating: " ", count: max(0, width - text.count))
        return left ? fill + text : text + fill
    }
}
