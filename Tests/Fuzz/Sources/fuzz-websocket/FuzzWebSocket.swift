// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import BelfryIO

/// What a decoder gave, to be compared between two ways of cutting the same stream.
private struct Trace: Equatable {
    var events: [WebSocketEvent] = []
    var bytes: [[UInt8]] = []
}

private let maxMessageBytes = 4_096

/// Feeds a stream in pieces whose sizes come from a seed; 0 gives one piece.
private func trace(_ stream: [UInt8], seed: UInt64, _ role: WebSocketRole, _ deflate: DeflateParameters?) -> Trace {
    var decoder = WebSocketDecoder(role, maxMessageBytes: maxMessageBytes, deflate: deflate)
    var trace = Trace()
    var random = seed
    var scratch: [UInt8] = []
    var start = 0
    while start < stream.count {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let size = seed == 0 ? stream.count : Int(random >> 33) % 17 + 1
        let end = min(stream.count, start + size)
        decoder.decode(stream.span.extracting(start..<end), scratch: &scratch) { event, bytes in
            if case .failed = trace.events.last { fatalError("something came behind the end") }
            if case .close = trace.events.last { fatalError("something came behind the end") }
            trace.events.append(event)
            var copy: [UInt8] = []
            copy.append(copying: bytes)
            trace.bytes.append(copy)
            check(event, copy)
        }
        guard decoder.bufferedBytes <= maxMessageBytes + 17 * 1024 else { fatalError("it keeps too much") }
        start = end
    }
    return trace
}

/// A message is a whole server's frame, and a text is UTF-8.
private func check(_ event: WebSocketEvent, _ bytes: [UInt8]) {
    guard case .message(let kind, let headerBytes) = event else { return }
    let payload = Array(bytes.dropFirst(headerBytes))
    guard payload.count <= maxMessageBytes else { fatalError("too long") }
    var frame: [UInt8] = []
    WebSocketEncoder.append(kind == .text ? .text : .binary, payload.span, to: &frame)
    guard frame == bytes else { fatalError("not a server's frame") }
    if kind == .text, String(validating: payload, as: UTF8.self) == nil { fatalError("not UTF-8") }
}

/// libFuzzer's entry: the first byte says who reads and how, the rest is the stream.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzWebSocket(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    let stream = Array(input.dropFirst())
    let role: WebSocketRole = first & 1 == 0 ? .server : .client
    var deflate: DeflateParameters?
    if first & 2 != 0 {
        deflate = DeflateParameters()
        deflate?.clientNoContextTakeover = first & 4 != 0
        deflate?.serverNoContextTakeover = first & 4 != 0
    }
    let whole = trace(stream, seed: 0, role, deflate)
    let seed = stream.reduce(UInt64(count) | 1) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } | 1
    guard trace(stream, seed: seed, role, deflate) == whole else { fatalError("the cuts made a difference") }
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ entry: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The executable's entry: SwiftPM renames the `main` of an executable target to this.
@_cdecl("fuzz_websocket_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments, fuzzWebSocket)
}
