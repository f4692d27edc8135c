// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryMissionCommander
import Testing

@Suite("Values of properties", .timeLimit(.minutes(3)))
struct PropertyValueTests {
    @Test("a port is a whole number, or a text of one", arguments: [PropertyValue.integer(30000), "30000"])
    func port(_ value: PropertyValue) throws {
        #expect(try value.port("Port", in: 1...65535) == 30000)
    }

    @Test(
        "anything else is refused in the original's words",
        arguments: ["abc", "", "3.5", nil, true, .other("3.5"), .other("[1]"), .string("99999999999999999999")]
            as [PropertyValue]
    )
    func noPort(_ value: PropertyValue) {
        let error = #expect(throws: MissionCommanderError.self) { try value.port("Bind port", in: 0...65535) }
        #expect(error?.message == "Bind port must be integer value")
    }

    @Test("a port out of bounds is refused", arguments: [0, -1, 65536, .max, .min])
    func bounds(_ port: Int) {
        let error = #expect(throws: MissionCommanderError.self) {
            try PropertyValue.integer(port).port("Port", in: 1...65535)
        }
        #expect(error?.code == .invalidValue)
    }

    @Test("a text may be unset, and is nothing else")
    func text() throws {
        #expect(try PropertyValue.string("lo").text("Interface") == "lo")
        #expect(try PropertyValue.null.text("Interface") == nil)
        #expect(throws: MissionCommanderError.self) { try PropertyValue.integer(1).text("Interface") }
    }

    @Test("values are shown as the original shows them")
    func description() {
        #expect("\(PropertyValue.null)" == "None")
        #expect("\(PropertyValue.boolean(false))" == "False")
        #expect("\(PropertyValue.integer(7))" == "7")
        #expect("\(PropertyValue.string("eth0"))" == "eth0")
    }
}
