// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

package import BelfryIO

extension Client {
    /// Why the last attempt to connect that failed did; nil when none has.
    package var lastFailure: IOError? { core.lastFailure }
}
