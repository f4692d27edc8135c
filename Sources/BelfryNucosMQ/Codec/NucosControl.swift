// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The messages that never change (nucosMQ wire, §3), each complete with `_EOM_`.
package enum NucosControl {
    /// Server: say who you are.
    package static let startAuth = NucosEncoder.frame(event: "start_auth", text: "")
    /// Server: you are in.
    package static let authSuccess = NucosEncoder.frame(event: "auth_final", text: "success")
    /// Server: you are not; the close follows.
    package static let authFailed = NucosEncoder.frame(event: "auth_final", text: "failed")
    /// Client: sent once after success.
    package static let thanks = NucosEncoder.frame(event: "thanks", text: "i am in")
    /// Both: asks for a `pong`.
    package static let ping = NucosEncoder.frame(event: "ping", text: "")
    /// Both: the answer to `ping`, and to nothing else.
    package static let pong = NucosEncoder.frame(event: "pong", text: "")
    /// Both: I am about to close.
    package static let shutdownNow = NucosEncoder.frame(event: "shutdown", text: "now")
    /// Both: the answer to `shutdownNow`; never answered itself.
    package static let shutdownConfirmed = NucosEncoder.frame(event: "shutdown", text: "confirmed")
}
