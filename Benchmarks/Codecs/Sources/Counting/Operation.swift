// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Something a codec does, over and over.
public struct Operation {
    /// What the command line and the thresholds call it.
    public let name: String
    /// Does it that many times; returns how many of them came out as they should.
    let run: (Int) -> Int

    /// - Parameters:
    ///   - name: What the command line and the thresholds call it.
    ///   - run: Does it that many times; returns how many of them came out as they should.
    public init(_ name: String, _ run: @escaping (Int) -> Int) {
        self.name = name
        self.run = run
    }
}

/// The command line of every counting program: without arguments the names of its operations, with `NAME COUNT` does one.
public func serve(_ operations: [Operation]) {
    let arguments = CommandLine.arguments.dropFirst()
    guard let name = arguments.first else {
        for operation in operations { print(operation.name) }
        return
    }
    guard let operation = operations.first(where: { $0.name == name }),
        let count = arguments.dropFirst().first.flatMap({ Int($0) }), count > 0
    else { fail("usage: [NAME COUNT]") }
    let done = operation.run(count)
    // Otherwise an error path would be counted, which may well be the shortest.
    guard done == count else { fail("\(name): \(done) of \(count) came out as they should") }
}

private func fail(_ what: String) -> Never {
    print(what)
    exit(1)
}

/// `count` ASCII letters.
public func letters(_ count: Int) -> String {
    let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)
    return String(decoding: (0..<count).map { alphabet[$0 % alphabet.count] }, as: UTF8.self)
}
