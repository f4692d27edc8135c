// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// Which target may see which: the arrows point down.
enum Layers {
    /// A target may import targets of lower layers alone; so front-ends never import each other.
    static let layer: [String: Int] = [
        "CLinux": 0, "BelfryJSON": 0, "CLiburing": 0, "CLibedit": 0, "CZlib": 0, "COpenSSL": 0,
        "BelfryIO": 1,
        "BelfryTLS": 2, "BelfryTerminal": 2, "BelfryCrypto": 2, "BelfryZlib": 2, "Belfry": 3,
        "BelfryCodable": 4, "BelfryHTTP": 4, "BelfryHistory": 4,
        "BelfryNucosMQ": 5, "BelfryWatchbox": 5, "BelfryPocketsocket": 5, "BelfryMissionCommander": 5,
        "BelfryChatBox": 5, "BelfryIRC": 5, "BelfryDiscord": 5, "BelfryMQTT": 5, "BelfryCluster": 5, "BelfryConsole": 5,
        "BelfryTesting": 6,
        "belfry": 7, "belfry-interop-peer": 7,
    ]

    /// What the targets at the bottom may import besides: no Foundation, no JSON, no HTTP, and in `Belfry` no C.
    static let allowedBesides: [String: Set<String>] = [
        "BelfryIO": ["Glibc", "Logging", "Synchronization", "DequeModule"],
        "Belfry": ["Logging", "Metrics", "CoreMetrics", "ServiceLifecycle", "Synchronization", "DequeModule"],
    ]

    /// Where descriptors, errno and pointers end.
    ///
    /// `BelfryTerminal` wraps libedit, `BelfryCrypto` libcrypto and `BelfryZlib` zlib, whose interfaces are made of pointers.
    static let mayUseC: Set = ["BelfryIO", "BelfryTLS", "BelfryTerminal", "BelfryCrypto", "BelfryZlib"]
    static let cModules: Set = ["Glibc", "Musl", "CLinux", "CLiburing", "CLibedit", "CZlib", "COpenSSL"]

    /// Targets that are not Swift, or may say `unsafe`.
    static let mayBeUnsafe: Set = [
        "CLinux", "CLiburing", "CLibedit", "CZlib", "COpenSSL", "BelfryIO", "BelfryTLS", "BelfryTerminal",
        "BelfryCrypto", "BelfryZlib",
    ]
}
