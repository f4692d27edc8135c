// swift-tools-version: 6.2
// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// As in the package around it.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
]

/// In CI a warning is an error; a developer's build only shows it.
let settings = house + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

// What is made of the figures: `results.json` and the pages and tables that come from it. A package of its own, so that its
// tests take seconds to build.
let package = Package(
    name: "belfry-benchmark-report",
    products: [.library(name: "BenchReport", targets: ["BenchReport", "BenchResults", "LoadReport"])],
    targets: [
        .target(name: "LoadReport", swiftSettings: settings),
        .target(name: "BenchResults", swiftSettings: settings),
        .target(name: "BenchReport", dependencies: ["BenchResults", "LoadReport"], swiftSettings: settings),
        .testTarget(
            name: "BenchReportTests",
            dependencies: ["BenchReport", "BenchResults"],
            exclude: ["Fixtures"],
            swiftSettings: settings
        ),
    ]
)
