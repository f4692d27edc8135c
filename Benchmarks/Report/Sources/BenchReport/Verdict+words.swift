// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import LoadReport

extension Comparison.Verdict {
    /// Who is ahead by how much: `redis is 1.30× better: 4.20 µs against 5.50 µs of belfry-epoll`.
    var sentenceEnd: String {
        let mine = figure.text(ourSpread.median)
        let other = figure.text(theirSpread.median)
        switch outcome {
        case .wins:
            return "\(ours.name) is \(Format.number(lead))× better: \(mine) against \(other) of \(theirs.name)"
        case .loses:
            return "\(theirs.name) is \(Format.number(lead))× better: \(other) against \(mine) of \(ours.name)"
        case .undecided:
            return "undecided: \(mine) of \(ours.name), \(other) of \(theirs.name)"
        }
    }
}
