// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryJSON
import Counting

/// JSON: validation of what clients send.
@main
struct CountJSON {
    static func main() {
        serve([
            validate("validate a text", #""\#(letters(128))""#),
            validate(
                "validate an object",
                #"{"id": 4711, "place": "Bern", "degrees": -3.5, "tags": ["snow", "h\u00e9", "fog"], "more": "#
                    + #"{"wind": null, "sun": false, "at": 1.5e3}, "text": "\#(letters(256))"}"#
            ),
        ])
    }

    private static func validate(_ name: String, _ text: String) -> Operation {
        Operation(name) { count in
            let bytes = Array(text.utf8)
            var done = 0
            for _ in 0..<count where (try? JSONScanner.validate(bytes.span)) != nil { done += 1 }
            return done
        }
    }
}
