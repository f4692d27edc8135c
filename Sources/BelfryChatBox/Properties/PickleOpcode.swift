// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// The opcodes that plain values need; all others, those that name and call things among them, are not known here.
enum PickleOpcode {
    static let mark = UInt8(ascii: "(")
    static let stop = UInt8(ascii: ".")
    static let none = UInt8(ascii: "N")
    static let float = UInt8(ascii: "F")
    static let int = UInt8(ascii: "I")
    static let long = UInt8(ascii: "L")
    static let unicode = UInt8(ascii: "V")
    static let binInt = UInt8(ascii: "J")
    static let binInt1 = UInt8(ascii: "K")
    static let binInt2 = UInt8(ascii: "M")
    static let binFloat = UInt8(ascii: "G")
    static let binUnicode = UInt8(ascii: "X")
    static let append = UInt8(ascii: "a")
    static let appends = UInt8(ascii: "e")
    static let list = UInt8(ascii: "l")
    static let emptyList = UInt8(ascii: "]")
    static let tuple = UInt8(ascii: "t")
    static let emptyTuple = UInt8(ascii: ")")
    static let dictionary = UInt8(ascii: "d")
    static let emptyDictionary = UInt8(ascii: "}")
    static let setItem = UInt8(ascii: "s")
    static let setItems = UInt8(ascii: "u")
    static let get = UInt8(ascii: "g")
    static let binGet = UInt8(ascii: "h")
    static let longBinGet = UInt8(ascii: "j")
    static let put = UInt8(ascii: "p")
    static let binPut = UInt8(ascii: "q")
    static let longBinPut = UInt8(ascii: "r")
    static let proto: UInt8 = 0x80
    static let tuple1: UInt8 = 0x85
    static let tuple2: UInt8 = 0x86
    static let tuple3: UInt8 = 0x87
    static let newTrue: UInt8 = 0x88
    static let newFalse: UInt8 = 0x89
    static let long1: UInt8 = 0x8A
    static let long4: UInt8 = 0x8B
    static let shortBinUnicode: UInt8 = 0x8C
    static let binUnicode8: UInt8 = 0x8D
    static let memoize: UInt8 = 0x94
    static let frame: UInt8 = 0x95
}
