// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry
import BelfryIO
import BelfryJSON

/// The frames that a client sends on its own account (MissionCommander wire, §3).
enum ClientFrames {
    /// Subjects that mean something to the wire and are not for messages to the server.
    static let reserved: Set = ["negotiation", "shutdown"]

    /// Who the client is: the first frame, header and body in one piece.
    ///
    /// - Parameter resume: Where it wants to go on, empty for nowhere yet: a member that original servers do not look at.
    static func negotiation(of id: String, resume: String? = nil) -> [UInt8] {
        var body = Array(#"{"id": "#.utf8)
        JSONWriter.append(id, to: &body)
        if let resume {
            body += Array(#", "resume": "#.utf8)
            JSONWriter.append(resume, to: &body)
        }
        body.append(UInt8(ascii: "}"))
        return frame("negotiation", body)
    }

    /// The client leaves on purpose.
    static var shutdown: [UInt8] { frame("shutdown", Array("{}".utf8)) }

    private static func frame(_ subject: String, _ body: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        // These two subjects fit with any length.
        try? FrameEncoder.append(subject: subject, body: body.span, to: &frame)
        return frame
    }
}

extension ClientEvent {
    /// What it counts for against the bytes that may wait.
    var byteCount: Int {
        if case .message(let message) = self { message.byteCount } else { 0 }
    }
}

extension Message {
    /// What it counts for against the bytes that may wait: what its body had on the wire, roughly.
    var byteCount: Int { payload.bytes.count }
}

extension ClientStateMachine.Failure {
    init(_ error: IOError) {
        self =
            switch error.code {
            case .timedOut: .timedOut
            case .refused, .unreachable, .reset, .system: .refused
            default: .unusable
            }
    }
}
