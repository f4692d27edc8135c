// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a line of the command line comes to.
struct Answer: Hashable {
    /// What it means for the session.
    enum Outcome {
        case done, failed, leaves
    }

    /// One line, without its end; nil prints nothing.
    let text: String?
    let outcome: Outcome

    private init(_ text: String?, _ outcome: Outcome) {
        self.text = text.map(Self.inOneLine)
        self.outcome = outcome
    }

    static let nothing = Answer(nil, .done)
    static let leaving = Answer("Exiting", .leaves)

    static func done(_ text: String) -> Answer { Answer(text, .done) }
    static func failed(_ text: String) -> Answer { Answer(text, .failed) }

    /// Without line breaks, and without what would steer a terminal: messages come from elsewhere.
    static func inOneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: steers) else { return text }
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { clean.append(steers(scalar) ? " " : scalar) }
        return String(clean)
    }

    private static func steers(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t": false
        case "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}": true
        default: [.control, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
        }
    }
}
