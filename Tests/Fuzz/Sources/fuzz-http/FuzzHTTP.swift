// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

/// What a decoder gave, to be compared between two ways of cutting the same stream.
private struct Trace: Equatable {
    var heads: [HTTPHeadLayout] = []
    var bytes: [[UInt8]] = []
    var bodies: [[UInt8]] = []
    var ends = 0
    var fault: HTTPFault?
}

private let limits = {
    var limits = HTTPRequestDecoder.Limits()
    limits.maxRequestLineBytes = 256
    limits.maxHeadBytes = 1_024
    limits.maxFields = 16
    limits.maxBodyBytes = 1_024
    limits.maxChunkExtensionBytes = 64
    return limits
}()

/// Feeds a stream in pieces whose sizes come from a seed; 0 gives one piece.
private func trace(_ stream: [UInt8], seed: UInt64, holds: Bool) -> Trace {
    var decoder = HTTPRequestDecoder(limits: limits)
    var trace = Trace()
    var random = seed
    let handle: HTTPRequestDecoder.Handler = { part, bytes in
        guard trace.fault == nil else { fatalError("something came behind a fault") }
        switch part {
        case .head(let layout):
            check(layout, bytes)
            var copy: [UInt8] = []
            copy.append(bytes: bytes)
            trace.heads.append(layout)
            trace.bytes.append(copy)
            trace.bodies.append([])
        case .body:
            trace.bodies[trace.bodies.count - 1].append(bytes: bytes)
            guard trace.bodies[trace.bodies.count - 1].count <= limits.maxBodyBytes else { fatalError("a large body") }
        case .end: trace.ends += 1
        case .rest: fatalError("nobody asked for the rest")
        case .fault(let fault): trace.fault = fault
        }
        return holds ? .hold : .next
    }
    var start = 0
    while start < stream.count {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let size = seed == 0 ? stream.count : Int(random >> 33) % 17 + 1
        let end = min(stream.count, start + size)
        decoder.decode(stream.span.extracting(start..<end), handle)
        while decoder.isHeld { decoder.resume(handle) }
        if seed != 0, decoder.bufferedBytes > limits.maxHeadBytes + 32 { fatalError("too much is kept") }
        start = end
    }
    return trace
}

/// What a head that was let through must be.
private func check(_ layout: HTTPHeadLayout, _ head: Span<UInt8>) {
    for range in [layout.target, layout.path, layout.fields, layout.host ?? 0..<0, layout.query ?? 0..<0] {
        guard range.lowerBound >= 0, range.upperBound <= head.count else { fatalError("a range points elsewhere") }
    }
    guard layout.host != nil || layout.minorVersion == 0 else { fatalError("no Host") }
    guard !layout.isChunked || layout.contentLength == nil else { fatalError("two framings") }
    for index in head.indices {
        let byte = head[index]
        let next = index + 1 < head.count ? head[index + 1] : 0
        guard byte != 0, byte != 13 || next == 10, byte != 10 || index > 0 && head[index - 1] == 13,
            byte != 10 || next != 32 && next != 9
        else { fatalError("a line is not what it seems") }
    }
}

/// libFuzzer's entry: the same stream, cut in three ways, gives the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let stream = Array(UnsafeBufferPointer(start: start, count: count))
    let whole = trace(stream, seed: 0, holds: false)
    let seed = stream.reduce(UInt64(count) | 1) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } | 1
    guard trace(stream, seed: seed, holds: false) == whole else { fatalError("the cuts made a difference") }
    guard trace(stream, seed: seed, holds: true) == whole else { fatalError("holding made a difference") }
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ entry: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The executable's entry: SwiftPM renames the `main` of an executable target to this.
@_cdecl("fuzz_http_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments, fuzzHTTP)
}
