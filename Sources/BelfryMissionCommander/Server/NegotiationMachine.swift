// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryJSON

/// A server connection's part of the dialogue (MissionCommander wire, §3): who is it, and what does it want.
///
/// No clock and no I/O: the shell measures the time that the negotiation may take.
package struct NegotiationMachine: ~Copyable {
    /// What the shell is to do after a frame.
    package enum Action: Equatable, Sendable {
        /// Nothing.
        case ignore
        /// Skip the frame, with a log line.
        case skip(Skip)
        /// The client has said who it is.
        ///
        /// `wasNumber`: it said so with a number, which is worth a log line. `resume`: where it wants to go on, empty for
        /// nowhere yet; nil from a client that knows nothing of it, as the original's.
        case accept(id: String, wasNumber: Bool, resume: String? = nil)
        /// An application's message.
        case deliver
        /// The client leaves on purpose.
        case leave
        /// Close the connection.
        case refuse(Refusal)
    }

    /// Why a frame was skipped.
    package enum Skip: String, Sendable {
        case negotiatedAlready = "the client has said who it is before"
        case noJSON = "the body is no JSON"
    }

    /// Why a connection is not let in.
    package enum Refusal: String, Sendable {
        case noNegotiation = "the first message is no negotiation"
        case notAnObject = "the negotiation's body is no JSON object"
        case noID = "the negotiation has no id"
        case badID = "the id is no text and no whole number"
        case longID = "the id is too long"
        case timedOut = "the client did not say in time who it is"
    }

    /// The subjects that the wire keeps for itself.
    package enum Subject {
        package static let negotiation = "negotiation"
        package static let shutdown = "shutdown"
    }

    private enum State {
        case waiting, open, ended
    }

    /// The longest id let in, in bytes of UTF-8.
    package let maxIDBytes: Int
    private var state = State.waiting

    /// A machine for a connection that has just been accepted.
    package init(maxIDBytes: Int = 255) {
        self.maxIDBytes = maxIDBytes
    }

    /// Whether the client has not said yet who it is.
    package var isWaiting: Bool { state == .waiting }

    /// A frame came.
    ///
    /// - Parameters:
    ///   - subject: the frame's subject.
    ///   - value: the value in the body; nil when the body is no JSON.
    ///   - body: the bytes that `value` lies in.
    package mutating func frame(_ subject: String, _ value: JSONValue?, _ body: Span<UInt8>) -> Action {
        switch state {
        case .ended: return .ignore
        case .open:
            if subject == Subject.shutdown {
                state = .ended
                return .leave
            }
            if subject == Subject.negotiation { return .skip(.negotiatedAlready) }
            return value == nil ? .skip(.noJSON) : .deliver
        case .waiting:
            let action = negotiate(subject, value, body)
            if case .accept = action { state = .open } else { state = .ended }
            return action
        }
    }

    /// The time for the negotiation is over.
    package mutating func timedOut() -> Action {
        guard state == .waiting else { return .ignore }
        state = .ended
        return .refuse(.timedOut)
    }

    /// This side closes: whatever still comes is ignored.
    package mutating func end() { state = .ended }

    private func negotiate(_ subject: String, _ value: JSONValue?, _ body: Span<UInt8>) -> Action {
        guard subject == Subject.negotiation else { return .refuse(.noNegotiation) }
        guard let value, value.kind == .object else { return .refuse(.notAnObject) }
        let members = Self.members(of: body)
        guard let id = members.id else { return .refuse(.noID) }
        let resume = members.resume
        let text = id.text.string(in: body)
        guard text.utf8.count <= maxIDBytes else { return .refuse(.longID) }
        switch id.kind {
        case .string: return text.isEmpty ? .refuse(.noID) : .accept(id: text, wasNumber: false, resume: resume)
        case .number:
            // The original takes what Python holds for true: not zero.
            guard text.utf8.allSatisfy({ $0 == ASCII.minus || (ASCII.zero...ASCII.nine).contains($0) }) else {
                return .refuse(.badID)
            }
            guard text != "0", text != "-0" else { return .refuse(.noID) }
            return .accept(id: text, wasNumber: true, resume: resume)
        case .null: return .refuse(.noID)
        case .object, .array, .boolean: return .refuse(.badID)
        }
    }

    /// The last members `id` and, where it is a text, `resume` of the object; the bytes are valid JSON.
    private static func members(of body: Span<UInt8>) -> (id: JSONValue?, resume: String?) {
        var (id, resume): (JSONValue?, JSONValue?)
        _ = try? JSONScanner.readMembers(of: body) { name, value in
            let name = name.shortName(in: body)
            if name == ShortName("i", "d") { id = value }
            if name == ShortName("r", "e", "s", "u", "m", "e") { resume = value }
        }
        return (id, resume?.kind == .string ? resume?.text.string(in: body) : nil)
    }
}
