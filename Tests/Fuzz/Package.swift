// swift-tools-version: 6.2
// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// Fuzzers, one executable a codec. Each compiles its codec's sources through a symbolic link, so nothing else is built.
// How to build and run: see Makefile beside this file.

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "fuzz",
    targets: [
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .target(name: "BelfryIO", swiftSettings: settings),
        .target(name: "BelfryJSON", swiftSettings: settings),
        .target(name: "BelfryZlib", dependencies: ["CZlib"], swiftSettings: settings),
        .executableTarget(name: "fuzz-http", swiftSettings: settings),
        .executableTarget(name: "fuzz-irc", swiftSettings: settings),
        .executableTarget(name: "fuzz-missioncommander", dependencies: ["BelfryJSON"], swiftSettings: settings),
        .executableTarget(name: "fuzz-nucosmq", dependencies: ["BelfryJSON"], swiftSettings: settings),
        .executableTarget(
            name: "fuzz-websocket",
            dependencies: ["BelfryIO", "BelfryJSON", "BelfryZlib"],
            swiftSettings: settings
        ),
    ]
)
