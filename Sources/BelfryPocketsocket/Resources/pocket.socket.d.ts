// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// What pocket.socket.js defines: globals, as a <script> gives them.

declare namespace pocket {
    type ListType = 'mix' | 'flat';
    type ConnectionType = 'broadcast' | 'overflow';
    /** 1 to 65535; a text of digits stays a text in the lists. */
    type Port = number | string;
    type Pair = [ip: string, port?: Port] | { ip: string; port?: Port; name?: string };
    /**
     * `host`, `host:port`, `[IPv6]:port`, an IPv6 address by itself, or a `ws://` or `wss://` URL, with or without
     * port and path. Where no port is given anywhere it is 8001, whatever the scheme.
     */
    type AddressText = string;

    /** Events of the channel `socket`; others come from servers and other clients. */
    type CoreEvent =
        | 'connecting' | 'open' | 'close' | 'error' | 'reconnect'
        | 'message' | 'connected' | 'disconnected' | 'sent' | 'broadcast-all-connected' | 'resume' | 'gap';

    /**
     * Gets every event of a channel, or the one it was registered for.
     *
     * The payload by event of the channel `socket`: `connecting` `[entry or address as given, uri]`; `open`
     * `{socket, data: Event}`; `close` CloseEvent; `error` Event or SocketError; `reconnect` Reconnect, before each new
     * attempt; `message` the MessageEvent of a text that is not one of pocketsocket's, or the object of a client's
     * `socket.message`; `connected` and `disconnected` Presence; `sent` Receipt; `resume` Resume, first after an open if
     * the server resumes; `gap` Gap, after a reconnect that could not make up for everything. On other channels: Message.
     *
     * Any client can send what looks like a core event. What came over the wire has `__event`, what happened here has
     * not; `connecting`, `open`, `close` and `error` are never raised for what came over the wire.
     */
    type Listener = (event: string, payload: any, socket: AugmentedWebSocket) => void;

    /** Called exactly once: with `sent` and the server's receipt, or with `error` if none will come. */
    type ReceiptListener = (
        event: 'sent' | 'error', payload: Receipt | SocketError, socket: AugmentedWebSocket
    ) => void;

    /** Any JSON value. Left out it is sent as `{}`; a function in its place is the receipt's callback. */
    type Data = unknown;

    interface Message {
        id: string;
        message: string;
        data: any;
        /** Its offset in the order of a server that resumes. */
        __at?: number;
        __channel: string;
        __eventName: string | undefined;
        __event: MessageEvent;
    }

    interface Receipt {
        socket: 'sent';
        messageId: unknown;
        time: string;
        attr: 'json' | 'string';
        __event: MessageEvent;
    }

    interface Presence {
        socket: 'connected' | 'disconnected';
        address: string;
        port: number;
        __event: MessageEvent;
    }

    /** What a socket has of a server's messages. */
    interface Position {
        /** Of the server's order, in hexadecimal digits: another one after it has lost what it kept. */
        epoch: string;
        /** Of the first message that it does not have. */
        offset: number;
        /** What was sent in that session does not come back. */
        session?: string;
    }

    /** A server that resumes says where this connection begins: at the position asked for, or as near as it can. */
    interface Resume extends Position {
        socket: 'resume';
        session: string;
        /** Nothing is missing between what was asked for and this. */
        recovered: boolean;
        /** How many messages are missing; null if nobody knows. */
        lost: number | null;
        __event: MessageEvent;
    }

    /** Messages that were missed and will not come. It happens here and has no `__event`; a server's own `gap` has. */
    interface Gap {
        socket: AugmentedWebSocket;
        uri: string;
        /** null if nobody knows. */
        lost: number | null;
        /** Where it would have gone on. */
        before: Position;
        /** Where it goes on. */
        position: Position;
    }

    interface Reconnect {
        socket: AugmentedWebSocket;
        uri: string;
        /** From 1. */
        attempt: number;
        /** How many there will be at most. */
        attempts: number;
        /** The milliseconds that it waited. */
        delay: number;
    }

    interface SocketError extends Error {
        name: 'SocketError';
        /**
         * `gave-up`: no attempts are left; `not-connected`, `queue-full`, `closed`: these messages were not sent;
         * `unconfirmed`: the connection ended before the receipt, they may have arrived or not; `refused`: the browser
         * does not let this page open the address.
         */
        code: 'gave-up' | 'not-connected' | 'queue-full' | 'closed' | 'unconfirmed' | 'refused';
        socket: AugmentedWebSocket | undefined;
        undelivered: { id?: string; text?: unknown }[];
    }

    interface Address {
        ip: string;
        port: Port;
        name: string;
        /** `ws://ip:port`, with the scheme and the path that were set up. */
        readonly uri: string;
        /** `ip:port`; the whole URL if it is `wss://` or has a path. */
        toString(): string;
    }

    interface AddressList extends Array<Address> {
        toArray(): string[];
        /** Those, joined with commas. */
        toString(): string;
    }

    interface Connection {
        addresses: string[];
        ports: Port[];
        /** Of `list()` without argument: `flat` if the addresses brought ports of their own, else `mix`. */
        listType: ListType;
        connectionType: ConnectionType;
        /** Whether there is an address to connect to. */
        isSetup(): boolean;
        /**
         * `mix`: each address with each port. `flat`: pairs by index. Another word: nothing.
         * @throws AddressException for `flat` if there are not as many ports as addresses.
         */
        list(type?: ListType): AddressList;
        /** Appends an entry and returns it; without ip or port it does nothing and returns `{}`. */
        addToList(list: Address[], ip: string, port: Port, name?: string): Address | {};
        /** Forgets addresses and ports; sockets stay as they are. */
        empty(): true;
        getIp(index: number): string | null;
        getPort(index: number): Port | null;
        on(channel: string, listener: Listener): Connection;
        on(channel: string, event: string, listener: Listener): Connection;
        connect(list?: Connectable, type?: ConnectionType): Connection;
    }

    type Connectable = AddressText | Pair | (AddressText | Pair | Address)[];

    /**
     * A WebSocket that outlives its connections: the same object before and after a reconnect.
     *
     * Sending before it is open queues. Its `open`, `message`, `error` and `close` events are those of the WebSocket
     * that it has at the time.
     */
    interface AugmentedWebSocket extends WebSocket {
        /** `ws://host:port` of the server that it is connected to or tries. */
        readonly uri: string;
        /** All that it may connect to: more than one with `overflow`. */
        readonly uris: string[];
        readonly connected: boolean;
        /** A retry is due or under way. */
        readonly reconnecting: boolean;
        /** Closed by `close`, or out of attempts. */
        readonly dead: boolean;
        /** Attempts since the last open. */
        readonly attempt: number;
        /** When the next attempt is due, in milliseconds since 1970; null if none is. */
        readonly retryAt: number | null;
        /** Where it would go on after a reconnect; null while the server does not offer that. */
        readonly position: Position | null;
        /** How many messages wait for the next open. */
        readonly queued: number;
        /** Returns the message's ID; undefined, with an `error` event, if it can neither be sent nor queued. */
        sendJson(message: string, data?: Data, receipt?: ReceiptListener): string | undefined;
        /** Sends or queues as it is; false, with an `error` event, if that can't be. */
        send(data: string | ArrayBufferLike | Blob | ArrayBufferView): boolean;
        /** Opens again at once, also after `close` or when out of attempts. */
        reconnect(): AugmentedWebSocket;
        /** Closes for good. */
        close(code?: number, reason?: string): void;
    }

    interface Options {
        /** Where there is no global one. */
        WebSocket?: new (url: string) => WebSocket;
        /**
         * A lost or failed connection is tried again after `delay` ms (1000), at most `attempts` (5) times between two
         * opens; `Infinity` is allowed. Each delay is `factor` (1) times the one before, at most `maxDelay` (30000);
         * `jitter` (0) takes a random part of up to that share off. `false` switches it off.
         */
        reconnect?: boolean | {
            enabled?: boolean; delay?: number; attempts?: number; factor?: number; maxDelay?: number; jitter?: number;
        };
        /** What may wait for an open, for each socket: 100 messages, 1048576 bytes. */
        queue?: { messages?: number; bytes?: number };
        /**
         * Whether connections ask the server, with the query `?resume`, to go on where they were: what was missed comes
         * before anything else, once, and without what this socket had sent. Servers that do not know of it ignore the
         * query. On by default, while `reconnect` is: without reconnecting there is nothing to resume.
         *
         * `fallback` (true): for servers that refuse addresses with a query, the second attempt and then each fourth is
         * made without, until one has offered to resume. `limit`: how many missed messages it takes at most, the newest. `from` says where
         * the first connection to an address begins; the epoch `0` and the offset 0 mean all that is kept.
         * `false` switches it off.
         */
        resume?: boolean | {
            enabled?: boolean; fallback?: boolean; limit?: number; from?: (uri: string) => Position | null | undefined;
        };
    }

    interface Socket {
        readonly connection: Connection;
        /** All sockets that were not closed on purpose. */
        readonly sockets: AugmentedWebSocket[];

        /**
         * Says what to connect to; connects nothing and closes nothing.
         *
         * The words `mix`, `flat`, `broadcast` and `overflow` are taken by value, in any place after the addresses.
         * A port in the second argument wins over one in the address. Nothing at all means 127.0.0.1:8001.
         * @throws AddressException for a bad address or port or an unknown word; then nothing has changed.
         */
        setup(address?: AddressText, ...words: (ListType | ConnectionType | null | undefined)[]): Connection;
        setup(
            address: AddressText | (AddressText | Pair)[] | Pair | { [name: string]: AddressText | Pair },
            ports: Port | Port[] | ListType | ConnectionType | null | undefined,
            ...words: (ListType | ConnectionType | null | undefined)[]
        ): Connection;
        setup(address: (AddressText | Pair)[] | Pair | { [name: string]: AddressText | Pair }): Connection;

        configure(options: Options): Socket;

        /**
         * `broadcast` opens a socket to every entry; `overflow` one, to the first that can be reached, and moves on
         * when it fails. Addresses that have a socket keep it.
         * @throws AddressException if there is nothing to connect to.
         */
        connect(list?: Connectable, type?: ConnectionType): Socket;
        /** Opens one socket. The callback gets its own connecting, open, close, message and error, and no other's. */
        makeSocket(
            url: AddressText | Pair | (() => string),
            callback?: (name: string, event: { name: string; socket: AugmentedWebSocket; data: any }) => void
        ): AugmentedWebSocket;
        /** Closes all sockets for good. */
        close(code?: number, reason?: string): void;

        on(channel: string, listener: Listener): Socket;
        on(channel: string, event: string, listener: Listener): Socket;
        /** Takes back what `on` did: this listener, or all of the channel or event. */
        off(channel: string, listener?: Listener): Socket;
        off(channel: string, event: string, listener?: Listener): Socket;

        /**
         * Sends `channel.event` to every socket; returns as `sendToAll`.
         *
         * The socket counts with `overflow` only: with `broadcast` all get it, and `sendTo` addresses one. The
         * receipt's callback may stand in the place of data or socket; it is called for each socket's message.
         */
        signal(channel: string, event: string, receipt: ReceiptListener): (string | undefined)[] | false;
        signal(
            channel: string, event?: string, data?: Data, socket?: AugmentedWebSocket | ReceiptListener | null,
            receipt?: ReceiptListener
        ): (string | undefined)[] | false;
        /**
         * Sends, or queues until the socket is open; returns the message's ID.
         *
         * Undefined, with an `error` event on the channel `socket`, if it can do neither.
         * @throws AddressException without a socket.
         */
        sendTo(socket: AugmentedWebSocket, message: string, receipt: ReceiptListener): string | undefined;
        sendTo(
            socket: AugmentedWebSocket, message: string, data?: Data, receipt?: ReceiptListener
        ): string | undefined;
        /** The ID of each socket's message; false without a message. */
        sendToAll(message: string, receipt: ReceiptListener): (string | undefined)[] | false;
        sendToAll(message: string, data?: Data, receipt?: ReceiptListener): (string | undefined)[] | false;
        send(message: string, data?: Data, receipt?: ReceiptListener): (string | undefined)[] | false;

        /** Tries again after the configured delay, if the socket is not open. */
        start_connect_timer(socket: AugmentedWebSocket): void;
        /** Takes back the attempt that is due. */
        stop_connect_timer(socket: AugmentedWebSocket): void;
    }

    interface WebSockets {
        /** Opens one socket; `success` is called at its first open. */
        connect(
            uri: AddressText | Pair | (() => string),
            success?: (event: { socket: AugmentedWebSocket; data: Event }) => void
        ): AugmentedWebSocket;
        /** Texts that begin with `ws:` or `wss:` stay as they are. */
        socketString(url: AddressText | Pair | Address | (() => string), secure?: boolean): string;
        AugmentedWebSocket: {
            new (uri: AddressText | Pair): AugmentedWebSocket;
            (uri: AddressText | Pair): AugmentedWebSocket;
            readonly CONNECTING: 0;
            readonly OPEN: 1;
            readonly CLOSING: 2;
            readonly CLOSED: 3;
        };
        sendJson(
            socket: AugmentedWebSocket, message: string, data?: Data, receipt?: ReceiptListener
        ): string | undefined | false;
        /** A raw text on the first open socket; false, with an `error` event, if none is open. */
        send(text: string): boolean;
        getActiveSocket(): AugmentedWebSocket | false;
        isConnected(): boolean;
        close(socket: AugmentedWebSocket): void;
        /** As `on(channel, listener)`, for one channel or several. */
        eventHook(names: string | string[], listener: Listener): void;
    }

    const socket: Socket;
    const webSocket: WebSockets;
}

declare class AddressException extends Error {
    constructor(message: string, data?: unknown, caption?: string);
    readonly data: unknown;
    readonly caption: string;
    /** `AddressException:` and the caption. */
    toString(): string;
}
