// swift-tools-version: 6.2
// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// What every target is compiled with.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0470-isolated-conformances.md
    .enableUpcomingFeature("InferIsolatedConformances"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0481-weak-let.md
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0458-strict-memory-safety.md
    .strictMemorySafety(),
]

/// In CI a warning is an error; a developer's build only shows it.
let settings = house + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

/// Only `make docs` resolves the documentation's plugin; users never do.
let documentation: [Package.Dependency] =
    Context.environment["BELFRY_DOCS"] == nil
    ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0")]

let package = Package(
    name: "belfry",
    products: [
        .library(name: "BelfryIO", targets: ["BelfryIO"]),
        .library(name: "Belfry", targets: ["Belfry"]),
        .library(name: "BelfryCodable", targets: ["BelfryCodable"]),
        .library(name: "BelfryHTTP", targets: ["BelfryHTTP"]),
        .library(name: "BelfryPocketsocket", targets: ["BelfryPocketsocket"]),
        .library(name: "BelfryMissionCommander", targets: ["BelfryMissionCommander"]),
        .library(name: "BelfryNucosMQ", targets: ["BelfryNucosMQ"]),
        .library(name: "BelfryWatchbox", targets: ["BelfryWatchbox"]),
        .library(name: "BelfryHistory", targets: ["BelfryHistory"]),
        .library(name: "BelfryChatBox", targets: ["BelfryChatBox"]),
        .library(name: "BelfryIRC", targets: ["BelfryIRC"]),
        .library(name: "BelfryDiscord", targets: ["BelfryDiscord"]),
        .library(name: "BelfryTesting", targets: ["BelfryTesting"]),
        .executable(name: "belfry", targets: ["belfry"]),
    ],
    traits: [
        .trait(name: "Uring", description: "The io_uring backend (needs liburing)."),
        .default(enabledTraits: ["Uring"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ] + documentation,
    targets: [
        .systemLibrary(name: "CLiburing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .systemLibrary(name: "CLibedit", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CLinux"),
        .target(
            name: "BelfryIO",
            dependencies: [
                "CLinux", .target(name: "CLiburing", condition: .when(traits: ["Uring"])), log, collections,
            ],
            swiftSettings: settings
        ),
        .target(name: "BelfryTerminal", dependencies: ["BelfryIO", "CLibedit", "CLinux"], swiftSettings: settings),
        .target(
            name: "Belfry",
            dependencies: ["BelfryIO", log, metrics, lifecycle, collections],
            swiftSettings: settings
        ),
        .target(name: "BelfryCodable", dependencies: ["Belfry"], swiftSettings: settings),
        .target(name: "BelfryJSON", swiftSettings: settings),
        .target(name: "BelfryCrypto", dependencies: ["COpenSSL"], swiftSettings: settings),
        .target(name: "BelfryZlib", dependencies: ["CZlib"], swiftSettings: settings),
        .target(
            name: "BelfryHTTP",
            dependencies: [
                "Belfry", "BelfryIO", "BelfryCrypto", "BelfryJSON", "BelfryTLS", "BelfryZlib", httpTypes, log, metrics,
                collections,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "BelfryPocketsocket",
            dependencies: ["Belfry", "BelfryHTTP", "BelfryIO", "BelfryJSON", httpTypes, log, collections],
            resources: [.embedInCode("Resources")],
            swiftSettings: settings
        ),
        .target(
            name: "BelfryMissionCommander",
            dependencies: ["Belfry", "BelfryCodable", "BelfryIO", "BelfryJSON", log],
            swiftSettings: settings
        ),
        .target(
            name: "BelfryNucosMQ",
            dependencies: ["Belfry", "BelfryIO", "BelfryJSON", log],
            swiftSettings: settings
        ),
        .target(
            name: "BelfryWatchbox",
            dependencies: ["Belfry", "BelfryHTTP", "BelfryIO", "BelfryJSON", httpTypes, log, collections],
            resources: [.embedInCode("Resources")],
            swiftSettings: settings
        ),
        .target(
            name: "BelfryHistory",
            dependencies: ["Belfry", "BelfryIO", grdb, log, collections],
            swiftSettings: settings
        ),
        .target(
            name: "BelfryTLS",
            dependencies: ["BelfryIO", "COpenSSL"],
            swiftSettings: settings
        ),
        .target(
            name: "BelfryChatBox",
            dependencies: [
                "Belfry", "BelfryHistory", "BelfryHTTP", "BelfryIO", "BelfryJSON", httpTypes, log, lifecycle,
                collections,
            ],
            resources: [.embedInCode("Resources")],
            swiftSettings: settings
        ),
        .target(name: "BelfryIRC", dependencies: ["Belfry", "BelfryIO", log, collections], swiftSettings: settings),
        .target(
            name: "BelfryDiscord",
            dependencies: ["Belfry", "BelfryHTTP", "BelfryIO", "BelfryJSON", httpTypes, log, collections],
            swiftSettings: settings
        ),
        .target(name: "BelfryTesting", dependencies: ["Belfry", "BelfryIO", log], swiftSettings: settings),
        .executableTarget(
            name: "belfry",
            dependencies: [
                "Belfry", "BelfryHTTP", "BelfryIO", "BelfryHistory", "BelfryMissionCommander", "BelfryNucosMQ",
                "BelfryPocketsocket", "BelfryTerminal", "BelfryWatchbox", log, lifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "belfry-interop-peer",
            dependencies: [
                "Belfry", "BelfryChatBox", "BelfryHTTP", "BelfryIO", "BelfryJSON", "BelfryMissionCommander",
                "BelfryNucosMQ", log,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BelfryIOTests",
            dependencies: ["BelfryIO", "BelfryTesting", "CLinux", log],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BelfryTests",
            dependencies: ["Belfry", "BelfryIO", "BelfryTesting", log, metrics, lifecycle],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BelfryHTTPTests",
            dependencies: ["BelfryHTTP", "Belfry", "BelfryIO", "BelfryTesting", "BelfryZlib", httpTypes, log, metrics],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BelfryPocketsocketTests",
            dependencies: [
                "BelfryPocketsocket", "Belfry", "BelfryHistory", "BelfryHTTP", "BelfryIO", "BelfryJSON",
                "BelfryMissionCommander", "BelfryNucosMQ", "BelfryTesting", httpTypes, log,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BelfryWatchboxTests",
            dependencies: [
                "BelfryWatchbox", "Belfry", "BelfryHistory", "BelfryHTTP", "BelfryIO", "BelfryNucosMQ",
                "BelfryPocketsocket",
                "BelfryTesting", httpTypes, log,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BelfryHistoryTests",
            dependencies: ["BelfryHistory", "Belfry", "BelfryIO", "BelfryTesting", grdb, log],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BelfryChatBoxTests",
            dependencies: [
                "BelfryChatBox", "BelfryHistory", "Belfry", "BelfryHTTP", "BelfryIO", "BelfryTesting", httpTypes, log,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BelfryIRCTests",
            dependencies: ["BelfryIRC", "Belfry", "BelfryIO", "BelfryTesting", log],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BelfryDiscordTests",
            dependencies: [
                "BelfryDiscord", "BelfryTLS", "Belfry", "BelfryHTTP", "BelfryIO", "BelfryJSON", "BelfryTesting",
                httpTypes, log,
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "BelfryJSONTests", dependencies: ["BelfryIO", "BelfryJSON"], swiftSettings: settings),
        .testTarget(
            name: "BelfryMissionCommanderTests",
            dependencies: [
                "BelfryMissionCommander", "Belfry", "BelfryCodable", "BelfryHistory", "BelfryIO", "BelfryJSON",
                "BelfryNucosMQ", "BelfryTesting", log,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BelfryNucosMQTests",
            dependencies: ["BelfryNucosMQ", "Belfry", "BelfryIO", "BelfryJSON", "BelfryTesting", log],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BelfryCommandTests",
            dependencies: ["belfry", "Belfry", "BelfryIO", "BelfryMissionCommander", "BelfryTerminal", log],
            swiftSettings: settings
        ),
        .testTarget(
            name: "InteropTests",
            dependencies: [
                "Belfry", "BelfryDiscord", "BelfryHTTP", "BelfryIO", "BelfryIRC", "BelfryMissionCommander",
                "BelfryNucosMQ", "BelfryTesting", "belfry", "belfry-interop-peer", httpTypes, log,
            ],
            exclude: ["Python"],
            swiftSettings: settings
        ),
        .testTarget(name: "BelfryTLSTests", dependencies: ["BelfryTLS"], swiftSettings: settings),
        .testTarget(name: "HouseTests", swiftSettings: settings),
    ]
)
