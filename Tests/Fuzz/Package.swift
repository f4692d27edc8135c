// swift-tools-version: 6.2
// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// Fuzzers, one executable a codec. Each compiles its codec's sources through a symbolic link, so nothing else is built.
// How to build and run: see Makefile beside this file.

import PackageDescription

let package = Package(
    name: "fuzz",
    targets: [
        .executableTarget(
            name: "fuzz-nucosmq",
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ]
        )
    ]
)
