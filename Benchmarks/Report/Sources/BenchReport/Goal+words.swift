// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import LoadReport

extension Goal.Kind {
    /// What is asked for.
    var title: String {
        switch self {
        case .peers: "Server CPU per delivery, against the best of redis, NATS and SwiftNIO"
        case .engines: "io_uring against epoll"
        case .slow: "A stuck subscriber costs the others"
        case .loops: "Two event loops against one"
        }
    }

    /// The rule, in a sentence.
    var rule: String {
        switch self {
        case .peers:
            "At most 0.5 of it where 1,000 subscribers or more are served or 256 messages are outstanding, 0.8 at "
                + "W=64, 0.95 at W=8, 0.7 from one to one, and no more than it everywhere else. Over nucosMQ and over "
                + "WebSocket, by the better engine."
        case .engines:
            "At most 0.8 of epoll's CPU with 1,000 subscribers or more and with 16 KiB or more a message; no more than "
                + "epoll's within the noise everywhere else."
        case .slow: "At most 5 % of their deliveries per second."
        case .loops: "At least 1.6 times the deliveries per second, where the machine leaves them a core each."
        }
    }
}

extension Goal {
    /// The row and which column it is about.
    var subject: String { "\(row.title) · \(kind == .peers ? ours.family : ours.name)" }

    /// What came of it: `1.03 of redis (29.4 µs against 28.5 µs), at most 0.7 wanted`.
    var sentence: String {
        // `0.95`, `5`: no more digits than it has.
        let limit = bound == bound.rounded() ? Format.fixed(bound, 0) : "\(bound)"
        guard let other else { return "\(Format.fixed(value, 1)) %, at most \(limit) % wanted" }
        let figure = kind == .loops ? Figure.rate : Figure.processor
        let figures = "\(figure.text(ourSpread.median)) against \(figure.text(other.spread.median))"
        let end = outcome == .close ? "; its best repetition reaches it" : ""
        return
            "\(Format.fixed(value, 2)) of \(other.server.name) (\(figures)), \(kind == .loops ? "at least" : "at most") \(limit) wanted\(end)"
    }
}

extension Goals {
    /// How it ended, in a sentence.
    var opening: String {
        let told = all.filter { $0.outcome != .untold }
        let met = told.filter { $0.outcome == .met }.count
        return "Belfry reaches \(met) of the \(told.count) goals that it has set itself in these rows"
            + (met == told.count ? "." : "; where it misses one, this says by how much and where the time goes.")
    }

    func about(_ kind: Goal.Kind) -> [Goal] { all.filter { $0.kind == kind } }
}

extension Profile.Kind {
    /// For a legend.
    var title: String {
        switch self {
        case .waking: "waking the peer"
        case .sleeping: "going to sleep and being woken"
        case .network: "the kernel's network"
        case .copying: "copying bytes"
        case .kernel: "the rest of the kernel"
        case .allocator: "allocating memory"
        case .runtime: "the language's runtime"
        case .own: "its own code"
        }
    }
}

extension Profile {
    /// The largest parts in words: `31 % waking the peer, 27 % the kernel's network, …`.
    var sentence: String {
        let parts = Kind.allCases.map { ($0, share($0)) }.sorted { $0.1 > $1.1 }.prefix { $0.1 >= 0.045 }
        return parts.map { "\(Format.percent($0.1).dropLast()) % \($0.0.title)" }.joined(separator: ", ")
    }
}
