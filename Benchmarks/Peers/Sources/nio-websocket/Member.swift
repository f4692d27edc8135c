// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOWebSocket

/// One client: what it says goes to the others at the end of a read.
final class Member: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    /// Where it stands in its ring.
    var place: Int?
    private let hub: Hub
    private var context: ChannelHandlerContext?
    private var messages: [ByteBuffer] = []

    init(_ hub: Hub) {
        self.hub = hub
    }

    func write(_ frame: WebSocketFrame) { context?.write(Self.wrapOutboundOut(frame), promise: nil) }

    func flush() { context?.flush() }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        hub.ring(of: context.eventLoop)?.insert(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        hub.ring(of: context.eventLoop)?.remove(self)
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = Self.unwrapInboundIn(data)
        switch frame.opcode {
        case .text, .binary:
            messages.append(frame.unmaskedData)
        case .ping:
            write(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData))
            flush()
        case .connectionClose:
            context.close(promise: nil)
        default:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard !messages.isEmpty else { return }
        hub.send(messages, from: self, on: context.eventLoop)
        messages.removeAll(keepingCapacity: true)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
