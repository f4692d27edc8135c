// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// A numbered text, which says whose it is, and whose every byte is known.
struct CrashText: Hashable {
    let run: Int
    /// Who published it; -1 is the one who looks at the file after a crash.
    let publisher: Int
    let number: Int

    /// Publishers of a victim, and rooms.
    static let publishers = 24
    static let rooms = 6

    static func room(of publisher: Int) -> Int { publisher % rooms }

    var text: String {
        // Some do not fit into one page of the file.
        let length = number % 97 == 96 ? 9_000 : number &* 37 % 180
        return "\(run) \(publisher) \(number) " + String(repeating: "word\(number % 10) ", count: length / 6)
    }
}

extension CrashText {
    init?(_ text: String) {
        let fields = text.split(separator: " ", maxSplits: 3)
        guard fields.count >= 3, let run = Int(fields[0]), let publisher = Int(fields[1]), let number = Int(fields[2])
        else { return nil }
        self.init(run: run, publisher: publisher, number: number)
    }
}

/// A line in which the victim says what is stored.
struct Acknowledgement {
    let text: CrashText
    let epoch: UInt64
    let offset: UInt64

    var line: String { "\(text.run) \(text.publisher) \(text.number) \(epoch) \(offset)\n" }
}

extension Acknowledgement {
    init?(_ line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count == 5, let text = CrashText(String(line)), let epoch = UInt64(fields[3]),
            let offset = UInt64(fields[4])
        else { return nil }
        self.init(text: text, epoch: epoch, offset: offset)
    }
}
