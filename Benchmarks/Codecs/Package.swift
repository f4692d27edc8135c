// swift-tools-version: 6.2
// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// Codecs alone, for `../instructions` to count what they execute. Each program compiles its codec's sources through a
// symbolic link, as the fuzzers do: nothing else is built, and no thread or task is there for callgrind to stumble over.

import PackageDescription

/// As in the main package, but without strict memory safety, as `Benchmarks` and `Tests/Fuzz` are.
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

let package = Package(
    name: "belfry-codecs",
    targets: [
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .target(name: "BelfryIO", swiftSettings: settings),
        .target(name: "BelfryJSON", swiftSettings: settings),
        .target(name: "BelfryZlib", dependencies: ["CZlib"], swiftSettings: settings),
        .target(name: "Counting", swiftSettings: settings),
        .executableTarget(name: "count-http", dependencies: ["Counting"], swiftSettings: settings),
        .executableTarget(name: "count-irc", dependencies: ["Counting"], swiftSettings: settings),
        .executableTarget(name: "count-json", dependencies: ["BelfryJSON", "Counting"], swiftSettings: settings),
        .executableTarget(
            name: "count-missioncommander",
            dependencies: ["BelfryJSON", "Counting"],
            swiftSettings: settings
        ),
        .executableTarget(name: "count-nucosmq", dependencies: ["BelfryJSON", "Counting"], swiftSettings: settings),
        .executableTarget(
            name: "count-websocket",
            dependencies: ["BelfryIO", "BelfryJSON", "BelfryZlib", "Counting"],
            swiftSettings: settings
        ),
    ]
)
