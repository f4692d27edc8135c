// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryJSON

/// One message on the wire, as ranges into its bytes (nucosMQ wire, §2).
///
/// It owns nothing and is meaningless without the bytes that came with it. All ranges were validated.
package struct NucosFrame: Equatable, Sendable {
    /// The event, any JSON scalar.
    package let event: JSONValue
    /// The content, any JSON value.
    package let content: JSONValue
    /// The room; nil when the member is absent, null or an empty string.
    package let room: JSONText?
    /// The member `resume` of a subscription, where it is a text: ours, not the original's.
    package var resume: JSONText?
    /// The member `at`, the message's offset, where it is a number: ours, not the original's.
    package var offset: JSONText?
    /// All bytes of the message, `_EOM_` included.
    package let length: Int
    /// The same number for messages of one decoder that differ in nothing but their content; 0 where it did not look.
    package var envelope: UInt32 = 0

    /// Compares what the messages say, not how they were read.
    package static func == (left: NucosFrame, right: NucosFrame) -> Bool {
        left.event == right.event && left.content == right.content && left.room == right.room
            && left.resume == right.resume && left.offset == right.offset && left.length == right.length
    }

    /// The event's text: between the quotes of a string, the literal itself of any other scalar.
    package var eventName: JSONText { event.text }
}

/// A part of the stream that is no message, by the rule that it broke; it carries no byte of the part.
package struct NucosMalformed: Error, Equatable, Sendable {
    /// What the part lacks.
    package enum Rule: Equatable, Sendable {
        /// It is not JSON.
        case json(JSONFault.Rule)
        /// It is JSON, but not an object.
        case notAnObject
        /// It has no member `data`, or one that is no object.
        case noData
        /// The member `data` has no `event`.
        case noEvent
        /// The event is an array or object.
        case eventNotScalar
        /// The member `data` has no `content`.
        case noContent
        /// The room is neither a string nor null.
        case roomNotString
    }

    /// The broken rule.
    package let rule: Rule
    /// The index in the part at which it showed.
    package let offset: Int
    /// All bytes of the part, `_EOM_` included; set by the decoder.
    package var length = 0

    init(_ rule: Rule, at offset: Int) {
        self.rule = rule
        self.offset = offset
    }
}

extension NucosMalformed: CustomStringConvertible {
    /// For the log; safe to show, since no payload is in it.
    package var description: String {
        let reason =
            switch rule {
            case .json(let rule): rule.rawValue
            case .notAnObject: "a message is an object"
            case .noData: "there is no member data that is an object"
            case .noEvent: "there is no event"
            case .eventNotScalar: "the event is an array or object"
            case .noContent: "there is no content"
            case .roomNotString: "the room is no string"
            }
        return "\(reason) (byte \(offset) of \(length))"
    }
}
