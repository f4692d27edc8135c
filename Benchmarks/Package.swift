// swift-tools-version: 6.2
// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// As in the main package, without strict memory safety: the load generator's hot path is raw buffers.
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

/// What figures are written in, and what is made of them.
let reports = Target.Dependency.product(name: "BenchReport", package: "Report")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// Load from outside: nothing here may depend on the main package, or the load would share the code it measures.
let load: [Target] = [
    .target(name: "CLoad"),
    .executableTarget(
        name: "belfry-load",
        dependencies: [
            "CLoad", arguments, reports,
            .product(name: "Histogram", package: "hdrhistogram-swift"),
        ],
        swiftSettings: settings
    ),
    .executableTarget(
        name: "belfry-bench",
        dependencies: ["CLoad", arguments, reports],
        swiftSettings: settings
    ),
]

/// Renders what was found.
let report: [Target] = [
    .executableTarget(name: "belfry-report", dependencies: [arguments, reports], swiftSettings: settings)
]

/// Microbenchmarks of the product's own parts; these may depend on `..`.
let micro: [Target] = [
    .target(name: "CAllocations"),
    .executableTarget(
        name: "Micro",
        dependencies: [
            "CAllocations",
            .product(name: "Belfry", package: "belfry"),
            .product(name: "BelfryIO", package: "belfry"),
            .product(name: "BelfryTesting", package: "belfry"),
            .product(name: "Benchmark", package: "benchmark"),
            .product(name: "Logging", package: "swift-log"),
        ],
        path: "Benchmarks/Micro",
        swiftSettings: settings,
        plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
    ),
]

/// Scenarios with the product's own clients.
let scenarios: [Target] = [
    .executableTarget(
        name: "missioncommander-restart",
        dependencies: [
            arguments,
            .product(name: "Belfry", package: "belfry"),
            .product(name: "BelfryIO", package: "belfry"),
            .product(name: "BelfryMissionCommander", package: "belfry"),
            .product(name: "Logging", package: "swift-log"),
        ],
        swiftSettings: settings
    ),
    .executableTarget(
        name: "history-crash",
        dependencies: [
            arguments,
            .product(name: "Belfry", package: "belfry"),
            .product(name: "BelfryHistory", package: "belfry"),
            .product(name: "BelfryIO", package: "belfry"),
            .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "Logging", package: "swift-log"),
        ],
        swiftSettings: settings
    ),
    .executableTarget(
        name: "history-bench",
        dependencies: [
            arguments, reports,
            .product(name: "Belfry", package: "belfry"),
            .product(name: "BelfryHistory", package: "belfry"),
            .product(name: "BelfryIO", package: "belfry"),
            .product(name: "BelfryNucosMQ", package: "belfry"),
            .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "Logging", package: "swift-log"),
        ],
        swiftSettings: settings
    ),
]

/// Servers that the driver starts beside the product's own program.
let servers: [Target] = [
    .executableTarget(
        name: "http-hello",
        dependencies: [
            .product(name: "Belfry", package: "belfry"),
            .product(name: "BelfryHTTP", package: "belfry"),
            .product(name: "BelfryIO", package: "belfry"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Logging", package: "swift-log"),
        ],
        swiftSettings: settings
    )
]

let package = Package(
    name: "belfry-benchmarks",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(name: "belfry", path: ".."),
        .package(path: "Report"),
    ],
    targets: load + report + micro + scenarios + servers
)
