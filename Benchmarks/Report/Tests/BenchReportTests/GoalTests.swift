// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BenchResults
import Foundation
import Testing

@testable import BenchReport

@Suite("Goals and profiles", .timeLimit(.minutes(1)))
struct GoalTests {
    private static func server(_ name: String, isProduct: Bool = true) -> BenchmarkResults.Server {
        .init(name: name, wire: "wire", isProduct: isProduct, command: [name])
    }

    /// Results of one row: each server's CPU per delivery, repetition by repetition.
    private static func results(
        _ arguments: [String],
        figure: String = "serverMicroseconds",
        cores: Int = 2,
        _ figures: KeyValuePairs<String, [Double]>
    ) -> BenchmarkResults {
        let machine = Machine(
            processor: "example",
            cores: cores,
            memoryBytes: 1,
            kernel: "6.18",
            distribution: "example",
            isVirtual: true,
            loadAverage: nil
        )
        let options = BenchmarkResults.Options(
            arguments: [],
            repetitions: 2,
            seconds: 1,
            warmUp: 0,
            isQuick: false,
            isPinned: true,
            niceness: 0
        )
        var results = BenchmarkResults(machine: machine, options: options)
        results.rows = [.init(name: "row", title: "the row", arguments: arguments)]
        results.servers = figures.map { name, _ in
            server(name, isProduct: name.hasPrefix("belfry") || name.hasPrefix("pocketsocket"))
        }
        results.cells = figures.map { name, values in
            Cell(row: "row", server: name, repetitions: values.map { [figure: $0] })
        }
        return results
    }

    private static let fanout = ["fanout", "--subscribers", "100", "--payload", "128", "--window", "64"]

    @Test(
        "the bound follows subscribers and window",
        arguments: [
            (["fanout", "--subscribers", "10", "--window", "1"], 1.0),
            (["fanout", "--subscribers", "10", "--window", "8"], 0.95),
            (["fanout", "--subscribers", "10", "--window", "64"], 0.8),
            (["fanout", "--subscribers", "10", "--window", "256"], 0.5),
            (["fanout", "--subscribers", "1000", "--window", "1"], 0.5),
            (["fanout", "--subscribers", "100", "--rate", "200"], 1),
            (["pair", "--window", "1024"], 0.7), (["storm", "--sessions", "1000"], 1),
        ] as [([String], Double)]
    )
    func bounds(arguments: [String], bound: Double) throws {
        let goals = Goals(Self.results(arguments, ["belfry-epoll": [1], "redis": [2]])).about(.peers)
        #expect(goals.map(\.bound) == [bound])
        #expect(goals.first?.value == 0.5)
    }

    @Test(
        "a goal is met by medians, close if a repetition reaches it, else missed",
        arguments: [([0.7, 0.8, 0.9], "met"), ([0.81, 0.85, 0.9], "close"), ([0.9, 0.95, 1.0], "missed")]
            as [([Double], String)]
    )
    func outcomes(ours: [Double], outcome: String) throws {
        let results = Self.results(Self.fanout, ["belfry-epoll": ours, "redis": [1, 1, 1.05]])
        let goal = try #require(Goals(results).about(.peers).first)
        #expect("\(goal.outcome)" == outcome)
    }

    @Test("the better engine counts against the best of redis, NATS and SwiftNIO, and nobody else")
    func rivals() throws {
        let results = Self.results(
            Self.fanout,
            [
                "belfry-epoll": [4], "belfry-uring": [3], "pocketsocket-epoll": [6], "redis": [5], "nats": [4],
                "mosquitto": [1],
            ]
        )
        let goals = Goals(results).about(.peers)
        #expect(goals.map(\.ours.name) == ["belfry-uring", "pocketsocket-epoll"])
        #expect(goals.compactMap { $0.other?.server.name } == ["nats", "nats"])
        #expect(goals.map(\.value) == [0.75, 1.5])
        #expect(Goals(results).unexplained.map(\.servers) == [["pocketsocket-epoll", "nats"]])
    }

    @Test("io_uring may cost as much as epoll within the noise, and 0.8 of it where much leaves at once")
    func engines() throws {
        let small = Self.results(Self.fanout, ["belfry-epoll": [1, 1.1], "belfry-uring": [1.05, 1.1]])
        #expect(Goals(small).about(.engines).map(\.outcome) == [.met])
        let worse = Self.results(Self.fanout, ["belfry-epoll": [1, 1.1], "belfry-uring": [1.2, 1.3]])
        #expect(Goals(worse).about(.engines).map(\.outcome) == [.missed])
        let large = ["fanout", "--subscribers", "1", "--payload", "16384", "--window", "1"]
        let many = Self.results(large, ["belfry-epoll": [1, 1], "belfry-uring": [0.85, 0.85]])
        #expect(Goals(many).about(.engines).map(\.outcome) == [.missed])
        #expect(Goals(many).about(.engines).map(\.bound) == [0.8])
    }

    @Test("two loops are told apart from one only where there are cores for them")
    func loops() throws {
        let figures: KeyValuePairs = ["belfry-epoll": [100.0], "belfry-epoll-2": [170.0]]
        let two = Goals(Self.results(Self.fanout, figure: "deliveriesPerSecond", figures)).about(.loops)
        #expect(two.map(\.outcome) == [.untold])
        let four = Goals(Self.results(Self.fanout, figure: "deliveriesPerSecond", cores: 4, figures)).about(.loops)
        #expect(four.map(\.outcome) == [.met])
        #expect(four.first?.value == 1.7)
    }

    @Test("what a stuck subscriber costs is held to five per cent")
    func slow() throws {
        let cheap = Self.results(["slow"], figure: "slowCostPercent", ["belfry-epoll": [-1, 4, 9], "redis": [2]])
        #expect(Goals(cheap).about(.slow).map(\.outcome) == [.met])
        let dear = Self.results(["slow"], figure: "slowCostPercent", ["belfry-epoll": [6, 7, 9], "redis": [2]])
        #expect(Goals(dear).about(.slow).map(\.outcome) == [.missed])
    }

    @Test("a stack is told by the innermost function that says what it was for")
    func stacks() throws {
        let text = """
            \tffffffff82200809 _raw_spin_unlock_irqrestore ([kernel.kallsyms])
            \tffffffff813327be sock_def_readable ([kernel.kallsyms])
            \tffffffff8201eac5 tcp_data_queue ([kernel.kallsyms])
            \t    2b569d main (/usr/bin/server)


            \tffffffff82200810 finish_task_switch.isra.0 ([kernel.kallsyms])
            \tffffffff82200811 __schedule ([kernel.kallsyms])

            \tffffffff82200812 _copy_from_iter ([kernel.kallsyms])
            \tffffffff82200813 tcp_sendmsg_locked ([kernel.kallsyms])

            \tffffffff82200814 nf_hook_slow ([kernel.kallsyms])
            \tffffffff82200815 ip_output ([kernel.kallsyms])

            \tffffffff82200816 io_submit_sqes ([kernel.kallsyms])

            \t    7f0 malloc (/usr/lib/libc.so.6)

            \t    7f1 swift_retain (/usr/lib/libswiftCore.so)

            \t    7f2 Room.publish (in a module) (/usr/bin/server)

            """
        let profile = try #require(Profile(row: "row", server: "redis", stacks: text))
        #expect(profile.samples == 8)
        for kind in Profile.Kind.allCases {
            #expect(profile.share(kind) == 1.0 / 8, "\(kind)")
        }
        #expect(profile.functions.contains { $0.name == "Room.publish (in a module)" })
        #expect(Profile(row: "row", server: "redis", stacks: "\n\n# a comment\n") == nil)
    }

    @Test("the page says in words what is missed, and shows where the time goes")
    func page() throws {
        var results = Self.results(Self.fanout, ["belfry-epoll": [9, 9.5, 10], "redis": [5, 5, 5]])
        #expect(HTMLReport(results).text.contains("No profiles were taken."))
        results.profiles = ["belfry-epoll", "redis"].compactMap { server in
            Profile(row: "row", server: server, stacks: "\t    7f1 swift_retain (/x)\n\n\t    7f2 <main> (/x)\n")
        }
        let text = HTMLReport(results).text
        #expect(text.contains("the row · belfry: 1.90 of redis (9.50 µs against 5.00 µs), at most 0.8 wanted."))
        #expect(text.contains("Belfry reaches 0 of the 1 goals"))
        #expect(text.contains("50 % the language's runtime, 50 % its own code".replacing("'", with: "&#39;")))
        #expect(text.contains("&lt;main&gt;"))
        results.profileFault = "perf is <missing>"
        #expect(HTMLReport(results).text.contains("perf is &lt;missing&gt;"))
    }
}
