// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryJSON

/// Why a stream of frames can't be read any further; it carries no byte of the stream.
///
/// After such a fault nobody knows where the next frame begins: the connection is to be closed.
package struct FrameFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The rule of the wire (§2) that was broken.
    package enum Rule: Equatable, Sendable {
        /// The header is not UTF-8.
        case notUTF8
        /// The header is no JSON object.
        case notJSON(JSONFault.Rule)
        /// The header has no `length`.
        case noLength
        /// `length` is no number, or has a fraction or an exponent.
        case lengthNotInteger
        /// `length` is below zero.
        case lengthNegative
        /// `length` is above the bound.
        case lengthTooLarge
        /// The header has no `subject`.
        case noSubject
        /// `subject` is no text.
        case subjectNotString
        /// More came than may wait while the decoder was held.
        case tooMuchHeld
    }

    /// The broken rule.
    package let rule: Rule
    /// The index in the header at which it showed; 0 for `tooMuchHeld`.
    package let offset: Int

    /// A fault at an index of the header.
    package init(_ rule: Rule, at offset: Int) {
        self.rule = rule
        self.offset = offset
    }

    /// The rule in words, and the place.
    package var description: String {
        let words =
            switch rule {
            case .notUTF8: "the header is not UTF-8"
            case .notJSON(let rule): "the header is no JSON object: \(rule.rawValue)"
            case .noLength: "the header has no length"
            case .lengthNotInteger: "the length is no whole number"
            case .lengthNegative: "the length is negative"
            case .lengthTooLarge: "the length is above the bound"
            case .noSubject: "the header has no subject"
            case .subjectNotString: "the subject is no text"
            case .tooMuchHeld: "too much came while the connection was held"
            }
        return "\(words), at byte \(offset)"
    }
}
