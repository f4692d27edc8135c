// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Belfry

/// What a client that resumes says in the query of its URL: `?resume`, and when it comes back
/// `?resume=<epoch>.<offset>&session=<session>`, the offset being that of the first message that it does not have.
///
/// With an epoch that the server does not know, as 0, all that is kept comes; `&limit=<count>` bounds that to the newest.
///
/// Original servers do not look at it, original clients do not say it.
struct ResumeRequest: Equatable {
    /// The first message that it does not have.
    var next: RoomPosition?
    /// Its session before.
    var session: SessionID?
    /// Messages at most; the newest.
    var limit = 10_000

    init(next: RoomPosition? = nil, session: SessionID? = nil) {
        self.next = next
        self.session = session
    }

    /// Reads a query; nil where nothing is to be resumed.
    ///
    /// What can't be read is as if it was not there.
    init?(query: String?) {
        guard let query else { return nil }
        var isAsked = false
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = pair.count > 1 ? String(pair[1]) : ""
            switch pair[0] {
            case "resume":
                isAsked = true
                next = RoomPosition(token: value)
            case "limit": limit = min(limit, Int(value).map { max(0, $0) } ?? limit)
            case "session": session = UInt64(value, radix: 16).map(SessionID.init)
            default: break
            }
        }
        guard isAsked else { return nil }
    }

    /// The query, without the `?`.
    var query: String {
        guard let next else { return "resume" }
        let from = "resume=\(next.token)"
        return session.map { "\(from)&session=\(String($0.number, radix: 16))" } ?? from
    }
}

extension ServerText {
    /// Where a client that resumes begins, before anything else is said to it.
    ///
    /// `offset` is that of the next message; `lost` how many are missing, `null` where nobody knows.
    static func resumption(_ start: ReplayStart, _ session: SessionID) -> [UInt8] {
        Array(
            """
            {"socket": "resume", "epoch": "\(String(start.epoch, radix: 16))", "offset": \(start.offset), \
            "session": "\(String(session.number, radix: 16))", "recovered": \(start.isRecovered), "lost": \(start.lost)}
            """.utf8
        )
    }
}
