// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// One line of the MissionCommander command line, understood (MissionCommander wire, §8).
enum MissionCommand: Hashable {
    case nothing
    case help
    case leave
    case knownVerbs(Controller)
    case set(Controller, Field, Value)
    case get(Controller, Field)
    case connect
    case disconnect
    case start
    case stop
    case send(subject: String, payload: String)
    case status(Controller)

    /// What a line speaks to.
    enum Controller: String {
        case client, server
    }

    /// What can be set and read.
    enum Field: String {
        case address, port, interface
        case clientID = "client_id"
        case bindPort = "bind_port"

        fileprivate var isInteger: Bool { self == .port || self == .bindPort }
    }

    /// A value as it was typed; a number for a field that takes one.
    enum Value: Hashable {
        case text(String)
        case integer(Int, typed: String)

        /// The word of the line.
        var typed: String {
            switch self {
            case .text(let text), .integer(_, let text): text
            }
        }
    }

    /// A line that says nothing that can be done, and the answer to it.
    struct Complaint: Error, Hashable {
        let text: String
    }

    /// Understands a line; surplus words are ignored.
    ///
    /// The first word, the verb and the field are taken in any case; values keep theirs.
    ///
    /// - Throws: `Complaint`, which is the line to answer with.
    init(parsing line: String) throws(Complaint) {
        var words: ArraySlice<String>
        do {
            words = try ShellWords.split(line)[...]
        } catch {
            throw Complaint(text: error.text)
        }
        guard let first = words.popFirst()?.lowercased() else {
            self = .nothing
            return
        }
        switch first {
        case "help": self = .help
        case "quit", "exit": self = .leave
        default:
            guard let controller = Controller(rawValue: first) else {
                throw Complaint(text: "Unknown controller '\(first)'")
            }
            self = try controller.command(&words)
        }
    }
}

extension MissionCommand.Controller {
    /// The verbs it knows, in the order in which `help` names them.
    var verbs: [String] {
        switch self {
        case .client: ["set", "get", "connect", "disconnect", "status"]
        case .server: ["set", "get", "start", "stop", "status", "send"]
        }
    }

    fileprivate var fields: [MissionCommand.Field] {
        switch self {
        case .client: [.address, .port, .clientID, .interface, .bindPort]
        case .server: [.interface, .port]
        }
    }

    fileprivate func command(_ words: inout ArraySlice<String>) throws(MissionCommand.Complaint) -> MissionCommand {
        guard let verb = words.popFirst()?.lowercased() else { throw complaint("No verb specified") }
        guard verb == "help" || verbs.contains(verb) else { throw complaint("Unknown verb \(verb)") }
        switch verb {
        case "help": return .knownVerbs(self)
        case "set":
            let field = try field(&words, verb)
            return .set(self, field, try value(&words, of: field))
        case "get": return .get(self, try field(&words, verb))
        case "connect": return .connect
        case "disconnect": return .disconnect
        case "start": return .start
        case "stop": return .stop
        case "send":
            guard let subject = words.popFirst() else { throw complaint("send: No subject specified") }
            guard let payload = words.popFirst() else {
                throw complaint("send: No payload specified: give a JSON object, such as '{}'")
            }
            return .send(subject: subject, payload: payload)
        default: return .status(self)
        }
    }

    private func field(
        _ words: inout ArraySlice<String>,
        _ verb: String
    ) throws(MissionCommand.Complaint) -> MissionCommand.Field {
        guard let word = words.popFirst()?.lowercased() else { throw complaint("\(verb): No field specified") }
        guard let field = MissionCommand.Field(rawValue: word), fields.contains(field) else {
            throw complaint("\(verb): Unknown field \(word)")
        }
        return field
    }

    private func value(
        _ words: inout ArraySlice<String>,
        of field: MissionCommand.Field
    ) throws(MissionCommand.Complaint) -> MissionCommand.Value {
        guard let word = words.popFirst() else { throw complaint("set \(field.rawValue): No value specified") }
        guard field.isInteger else { return .text(word) }
        guard let number = Int(word) else { throw complaint("set \(field.rawValue): \(word) is not a valid integer") }
        return .integer(number, typed: word)
    }

    private func complaint(_ text: String) -> MissionCommand.Complaint { .init(text: "\(rawValue): \(text)") }
}
