// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// Offers and answers (RFC 7692, §7.1).
extension DeflateParameters {
    static let extensionName = "permessage-deflate"

    /// The parameters of an offer or an answer as they stand there; nil when one is unknown, double or ill-formed.
    private struct Named {
        var serverNoContextTakeover = false
        var clientNoContextTakeover = false
        var serverMaxWindowBits: Int?
        /// `.some(nil)`: without a value, as only an offer may have it.
        var clientMaxWindowBits: Int??

        init?(_ parameters: [(name: String, value: String?)]) {
            var seen: Set<String> = []
            for (name, value) in parameters {
                guard seen.insert(name).inserted else { return nil }
                switch name {
                case "server_no_context_takeover" where value == nil: serverNoContextTakeover = true
                case "client_no_context_takeover" where value == nil: clientNoContextTakeover = true
                case "server_max_window_bits":
                    guard let bits = Self.bits(value) else { return nil }
                    serverMaxWindowBits = bits
                case "client_max_window_bits" where value == nil: clientMaxWindowBits = .some(nil)
                case "client_max_window_bits":
                    guard let bits = Self.bits(value) else { return nil }
                    clientMaxWindowBits = bits
                default: return nil
                }
            }
        }

        /// 8 to 15 without a leading zero.
        private static func bits(_ value: String?) -> Int? {
            guard let value, let bits = Int(value), (8...15).contains(bits), "\(bits)" == value else { return nil }
            return bits
        }
    }

    // MARK: Server

    /// What a server makes of a client's field: the first offer it can take, and its answer; nil without one.
    static func accept(
        _ field: String?,
        _ options: WebSocketDeflate
    ) -> (parameters: DeflateParameters, answer: String)? {
        guard let field else { return nil }
        for offer in WebSocketExtension.parse(field) where offer.name == extensionName {
            // zlib can't write with a window of 256 bytes.
            guard let named = Named(offer.parameters), named.serverMaxWindowBits != 8 else { continue }
            var agreed = DeflateParameters()
            var answer = extensionName
            agreed.serverNoContextTakeover = named.serverNoContextTakeover || !options.serverContextTakeover
            if agreed.serverNoContextTakeover { answer += "; server_no_context_takeover" }
            agreed.clientNoContextTakeover = named.clientNoContextTakeover || !options.clientContextTakeover
            if agreed.clientNoContextTakeover { answer += "; client_no_context_takeover" }
            agreed.serverMaxWindowBits = min(
                named.serverMaxWindowBits ?? 15,
                options.window(options.serverMaxWindowBits)
            )
            if agreed.serverMaxWindowBits < 15 { answer += "; server_max_window_bits=\(agreed.serverMaxWindowBits)" }
            if let wanted = named.clientMaxWindowBits {
                agreed.clientMaxWindowBits = min(wanted ?? 15, options.window(options.clientMaxWindowBits))
                if agreed.clientMaxWindowBits < 15 {
                    answer += "; client_max_window_bits=\(agreed.clientMaxWindowBits)"
                }
            }
            return (agreed, answer)
        }
        return nil
    }

    // MARK: Client

    /// What a client offers.
    static func offer(_ options: WebSocketDeflate) -> String {
        var offer = extensionName
        if !options.serverContextTakeover { offer += "; server_no_context_takeover" }
        if !options.clientContextTakeover { offer += "; client_no_context_takeover" }
        let serverBits = options.window(options.serverMaxWindowBits)
        if serverBits < 15 { offer += "; server_max_window_bits=\(serverBits)" }
        let clientBits = options.window(options.clientMaxWindowBits)
        return offer + (clientBits < 15 ? "; client_max_window_bits=\(clientBits)" : "; client_max_window_bits")
    }

    /// What a server's answer to the client's offer comes to; nil when it breaks the rules.
    init?(answer parameters: [(name: String, value: String?)], to options: WebSocketDeflate) {
        guard let named = Named(parameters) else { return nil }
        // The window that the client asked for is a bound, and an answer may not be without a value.
        let serverBits = options.window(options.serverMaxWindowBits)
        if let bits = named.serverMaxWindowBits, bits > serverBits { return nil }
        if serverBits < 15, named.serverMaxWindowBits == nil { return nil }
        if case .some(nil) = named.clientMaxWindowBits { return nil }
        if !options.serverContextTakeover, !named.serverNoContextTakeover { return nil }
        serverNoContextTakeover = named.serverNoContextTakeover
        clientNoContextTakeover = named.clientNoContextTakeover || !options.clientContextTakeover
        serverMaxWindowBits = named.serverMaxWindowBits ?? 15
        clientMaxWindowBits = min((named.clientMaxWindowBits ?? nil) ?? 15, options.window(options.clientMaxWindowBits))
    }
}

extension WebSocketDeflate {
    func window(_ bits: Int) -> Int { min(max(bits, 9), 15) }
}
