// swift-tools-version: 6.2
// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// A package of its own, as yours would be: it sees only what Belfry makes public.

import PackageDescription

/// In CI a warning is an error; a developer's build only shows it.
let settings: [SwiftSetting] =
    [.swiftLanguageMode(.v6), .enableUpcomingFeature("NonisolatedNonsendingByDefault")]
    + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

let package = Package(
    name: "belfry-examples",
    dependencies: [
        .package(name: "belfry", path: ".."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "ChatServer",
            dependencies: [
                .product(name: "Belfry", package: "belfry"),
                .product(name: "BelfryNucosMQ", package: "belfry"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "ChatBoxDiscord",
            dependencies: [
                .product(name: "Belfry", package: "belfry"),
                .product(name: "BelfryChatBox", package: "belfry"),
                .product(name: "BelfryDiscord", package: "belfry"),
                .product(name: "BelfryHTTP", package: "belfry"),
                .product(name: "BelfryIO", package: "belfry"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "WatchboxExample",
            dependencies: [
                .product(name: "Belfry", package: "belfry"),
                .product(name: "BelfryCodable", package: "belfry"),
                .product(name: "BelfryHTTP", package: "belfry"),
                .product(name: "BelfryIO", package: "belfry"),
                .product(name: "BelfryWatchbox", package: "belfry"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "MissionCommanderEchoServer",
            dependencies: [
                .product(name: "Belfry", package: "belfry"),
                .product(name: "BelfryMissionCommander", package: "belfry"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "MissionCommanderEchoClient",
            dependencies: [.product(name: "BelfryMissionCommander", package: "belfry")],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "NucosWeather",
            dependencies: [
                .product(name: "Belfry", package: "belfry"),
                .product(name: "BelfryNucosMQ", package: "belfry"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "WebSocketEcho",
            dependencies: [
                .product(name: "Belfry", package: "belfry"),
                .product(name: "BelfryHTTP", package: "belfry"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "HelloHTTP",
            dependencies: [
                .product(name: "Belfry", package: "belfry"),
                .product(name: "BelfryHTTP", package: "belfry"),
                .product(name: "BelfryIO", package: "belfry"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "PocketsocketChat",
            dependencies: [.product(name: "BelfryPocketsocket", package: "belfry")],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "AutobahnClient",
            dependencies: [.product(name: "BelfryHTTP", package: "belfry")],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "ChatBoxIRC",
            dependencies: [
                .product(name: "Belfry", package: "belfry"),
                .product(name: "BelfryChatBox", package: "belfry"),
                .product(name: "BelfryIO", package: "belfry"),
                .product(name: "BelfryIRC", package: "belfry"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "ChatClient",
            dependencies: [.product(name: "BelfryIO", package: "belfry")],
            swiftSettings: settings
        ),
    ]
)
