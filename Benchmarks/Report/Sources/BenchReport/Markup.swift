// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Well-formed markup: what comes from outside gets in only escaped.
struct Markup {
    /// The markup's source.
    private(set) var source: String

    /// Nothing.
    static let none = Markup(source: "")

    /// Text, escaped; characters that XML does not allow become U+FFFD.
    static func text(_ text: String) -> Markup { Markup(source: escape(text)) }

    /// An element with attributes and children.
    static func element(
        _ name: StaticString,
        _ attributes: KeyValuePairs<String, String> = [:],
        _ children: [Markup]
    ) -> Markup {
        var source = "<\(name)"
        for (key, value) in attributes { source += " \(key)=\"\(escape(value))\"" }
        let content = children.map(\.source).joined()
        // A browser that reads this as HTML knows the short form for some elements only.
        let isVoid = ["meta", "br", "hr"].contains("\(name)")
        source += content.isEmpty && isVoid ? "/>" : ">\(content)</\(name)>"
        return Markup(source: source)
    }

    /// An element with attributes and children.
    static func element(
        _ name: StaticString,
        _ attributes: KeyValuePairs<String, String> = [:],
        _ children: Markup...
    ) -> Markup {
        element(name, attributes, children)
    }

    /// An element with text in it.
    static func element(
        _ name: StaticString,
        _ attributes: KeyValuePairs<String, String> = [:],
        text: String
    ) -> Markup {
        element(name, attributes, [.text(text)])
    }

    /// A sheet of styles of this program's own making; it has no `<` and no `&`.
    static func style(_ sheet: StaticString) -> Markup { Markup(source: "<style>\(sheet)</style>") }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
