// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// The Pocketsocket client for browsers. `<script src="pocket.socket.js">`, from a server or from a file, defines
// `pocket.socket`, `pocket.webSocket` and `AddressException`. Under Node, `require` returns `pocket`; where there is no
// global WebSocket, `pocket.socket.configure({ WebSocket })` takes one. What each call does is in pocket.socket.d.ts.
(function (root) {
    'use strict';

    if (root.pocket?.socket) return; // A second <script> must not lose the first one's listeners.

    const DEFAULT_HOST = '127.0.0.1';
    const DEFAULT_PORT = 8001;
    const LIST_TYPES = ['mix', 'flat'];
    const CONNECTION_TYPES = ['broadcast', 'overflow'];
    // Events that only this client can know of: what comes over the wire under these names is an ordinary message.
    const LOCAL_EVENTS = ['connecting', 'open', 'close', 'error'];
    const CONNECTING = 0, OPEN = 1, CLOSING = 2, CLOSED = 3;
    const MAX_UNCONFIRMED = 1000;

    const options = {
        WebSocket: undefined,
        reconnect: { enabled: true, delay: 1000, attempts: 5, factor: 1, maxDelay: 30000, jitter: 0 },
        queue: { messages: 100, bytes: 1024 * 1024 },
        resume: { enabled: true, fallback: true, limit: undefined, from: undefined },
    };

    /** An address, a list or a call that cannot be used. */
    class AddressException extends Error {
        constructor(message, data, caption = message) {
            super(message);
            this.name = 'AddressException';
            this.data = data;
            this.caption = caption;
        }

        toString() {
            return `AddressException:${this.caption}`;
        }
    }

    /** What went wrong with a socket or a message: the payload of an `error` event that is no Event. */
    class SocketError extends Error {
        constructor(code, message, socket, undelivered = []) {
            super(message);
            this.name = 'SocketError';
            this.code = code;
            this.socket = socket;
            this.undelivered = undelivered;
        }
    }

    // ---- Addresses ------------------------------------------------------------------------------------------------

    const isMissing = (value) => value === undefined || value === null || value === '';

    function checkedPort(port) {
        const number = typeof port === 'string' && /^\d{1,5}$/.test(port) ? Number(port) : port;
        if (!Number.isInteger(number) || number < 1 || number > 65535) {
            throw new AddressException(`Bad port: ${String(port)}`, { port });
        }
        return port; // A text stays a text.
    }

    const ADDRESS = /^(?:(wss?):\/\/)?(\[[0-9a-f:.]+\]|[^\s:/?#@[\]]+)(?::([^/?#]+))?([/?][^\s#]*)?$/i;

    /** `host`, `host:port`, `[IPv6]:port`, `ws://…` and `wss://…` with a path: {host, port, secure, path}. */
    function parseAddress(text) {
        if (typeof text !== 'string') throw new AddressException('An address is a text', { address: text });
        const trimmed = text.trim();
        const isBareIPv6 = /^[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*$/i.test(trimmed);
        const match = ADDRESS.exec(isBareIPv6 ? `[${trimmed}]` : trimmed);
        if (!match) throw new AddressException(`Bad address: ${text}`, { address: text });
        const [, scheme, host, port, path] = match;
        return {
            host,
            port: isMissing(port) ? undefined : checkedPort(port),
            secure: scheme?.toLowerCase() === 'wss',
            path: path === '/' || path === undefined ? '' : path.startsWith('?') ? `/${path}` : path,
        };
    }

    /** An entry of a list: prints as `ip:port`, or as the whole URL where that says too little. */
    class Address {
        #secure;
        #path;

        constructor(ip, port, name = '', secure = false, path = '') {
            this.ip = ip;
            this.port = port;
            this.name = name;
            this.#secure = secure;
            this.#path = path;
        }

        get uri() {
            return `${this.#secure ? 'wss' : 'ws'}://${this.ip}:${this.port}${this.#path}`;
        }

        toString() {
            return this.#secure || this.#path ? this.uri : `${this.ip}:${this.port}`;
        }
    }

    class AddressList extends Array {
        static get [Symbol.species]() {
            return Array;
        }

        toArray() {
            return Array.from(this, String);
        }

        toString() {
            return this.toArray().join(',');
        }
    }

    /** One address as setup takes it inside a list or an object: a text, `[ip, port]` or `{ip, port}`. */
    function parsePair(value) {
        if (typeof value === 'string') return parseAddress(value);
        const [ip, port] = Array.isArray(value) ? value : [value?.ip, value?.port];
        const parsed = parseAddress(ip);
        return isMissing(port) ? parsed : { ...parsed, port: checkedPort(port) };
    }

    /** What `setup` was called with, understood: throws, or changes nothing. */
    function parseSetup(address, ...rest) {
        let ports;
        let listType;
        let connectionType;
        rest.forEach((value, index) => {
            if (isMissing(value)) return;
            if (LIST_TYPES.includes(value) && (listType ?? value) === value) listType = value;
            else if (CONNECTION_TYPES.includes(value) && (connectionType ?? value) === value) connectionType = value;
            else if (index === 0 && (Array.isArray(value) || typeof value === 'number' || /^\d+$/.test(value))) {
                ports = (Array.isArray(value) ? value : [value]).map(checkedPort);
            } else throw new AddressException(`Missing connections: unknown word ${String(value)}`, rest);
        });

        const isPairs = !Array.isArray(address) && typeof address === 'object' && address !== null;
        const isList = Array.isArray(address);
        let values = [isMissing(address) ? DEFAULT_HOST : address];
        if (isList) values = address;
        else if (isPairs) values = 'ip' in address ? [address] : Object.values(address);
        const origins = values.map(parsePair);

        // Without ports of their own the addresses bring them, each its own: then `flat` is what was meant.
        const bringPorts = !ports?.length
            && (isPairs || listType === 'flat' || origins.some(({ port }) => port !== undefined));
        if (!ports?.length) {
            ports = bringPorts ? origins.map(({ port }) => port ?? DEFAULT_PORT) : [DEFAULT_PORT];
        }
        return {
            origins,
            ports,
            listType: listType ?? (bringPorts && origins.length > 1 ? 'flat' : 'mix'),
            connectionType: connectionType ?? 'broadcast',
        };
    }

    // ---- Listeners ------------------------------------------------------------------------------------------------

    const listeners = new Map(); // channel → [{event, listener}]

    function report(error) {
        if (typeof root.reportError === 'function') root.reportError(error);
        else console.error(error);
    }

    /** One listener that throws keeps nothing from the others. */
    function call(listener, ...values) {
        try {
            listener(...values);
        } catch (error) {
            report(error);
        }
    }

    function addListener(channel, event, listener) {
        if (typeof listener !== 'function') throw new TypeError('A listener is a function');
        const key = String(channel);
        listeners.set(key, [...(listeners.get(key) ?? []), { event, listener }]);
    }

    function removeListener(channel, event, listener) {
        const key = String(channel);
        const kept = (listeners.get(key) ?? []).filter((entry) =>
            (event !== undefined && entry.event !== event) || (listener && entry.listener !== listener));
        if (kept.length) listeners.set(key, kept);
        else listeners.delete(key);
    }

    function raise(channel, event, payload, socket) {
        for (const entry of listeners.get(channel) ?? []) {
            if (entry.event === undefined || entry.event === event) call(entry.listener, event, payload, socket);
        }
    }

    /** Local events go to the `socket` channel and to the callback of `makeSocket`. */
    function raiseCore(socket, event, payload, data = payload) {
        raise('socket', event, payload, socket);
        socket._notify(event, data);
    }

    /** Never silent: where nobody listens it is logged. */
    function raiseError(error) {
        if (!listeners.has('socket')) console.warn(`pocket.socket: ${error.message}`);
        if (error.socket) raiseCore(error.socket, 'error', error);
        else raise('socket', 'error', error);
    }

    /** A text without the offset that a server which resumes puts at its end; null where there is none. */
    function withoutOffset(text) {
        const place = typeof text === 'string' && /^\s*\{/.test(text) ? text.lastIndexOf('"at":') : -1;
        const digits = place < 0 ? null : /^(\d{1,16})\}$/.exec(text.slice(place + 5));
        if (!digits) return null;
        const head = text.slice(0, place);
        return { text: `${head.endsWith(',') ? head.slice(0, -1) : head}}`, offset: Number(digits[1]) };
    }

    /** An event as it was before the server added to its text. */
    function withText(event, data) {
        const { origin, lastEventId } = event;
        return typeof root.MessageEvent === 'function' ? new root.MessageEvent('message', { data, origin, lastEventId })
            : { type: 'message', data, target: event.target };
    }

    /** Raises what a received text stands for. */
    function receive(socket, received) {
        const positioned = socket._isResuming ? withoutOffset(received.data) : null;
        if (socket._isResuming && !socket._isNew(positioned?.offset, received)) return; // The page has it already.
        const messageEvent = positioned ? withText(received, positioned.text) : received;
        let value = null;
        try {
            if (typeof messageEvent.data === 'string') value = JSON.parse(messageEvent.data);
        } catch {
            // Not JSON: raised as it came, below.
        }
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        if (isObject) {
            if (positioned) value.__at = positioned.offset;
            else delete value.__at; // That is for this client to say.
        }
        if (socket._isOffer(isObject ? value : null)) {
            const gap = socket._resumed(value);
            value.__event = messageEvent;
            raise('socket', 'resume', value, socket);
            if (gap) raise('socket', 'gap', gap, socket);
            return;
        }
        socket._notify('message', messageEvent);
        if (isObject && typeof value.socket === 'string') {
            value.__event = messageEvent;
            raise('socket', LOCAL_EVENTS.includes(value.socket) ? 'message' : value.socket, value, socket);
            if (value.socket === 'sent') socket._confirmed(value);
        } else if (isObject && !('socket' in value) && typeof value.message === 'string') {
            const message = value.message;
            const [channel, event] = message.split('.');
            Object.assign(value, { __channel: channel, __eventName: event, __event: messageEvent });
            const name = channel === 'socket' && LOCAL_EVENTS.includes(event) ? 'message' : event;
            raise(channel, name, value, socket);
            if (message !== channel) raise(message, event, value, socket);
        } else {
            raise('socket', 'message', messageEvent, socket);
        }
        socket.dispatchEvent(messageEvent);
    }

    // ---- Resuming -------------------------------------------------------------------------------------------------

    const isOffset = (value) => Number.isSafeInteger(value) && value >= 0;
    const isHex = (value) => typeof value === 'string' && /^[0-9a-f]{1,16}$/i.test(value);

    /** `{epoch, offset, session}`, or null if it is none. */
    function checkedPosition(value) {
        if (!isHex(value?.epoch) || !isOffset(value.offset)) return null;
        return { epoch: value.epoch, offset: value.offset, session: isHex(value.session) ? value.session : undefined };
    }

    /** What a socket has of one server: where it goes on when it comes back, and how it asks for that. */
    class Place {
        position = null;
        #failures = 0; // Attempts since it was open.
        #isTrusted = false;
        #query = '';
        #asked = null; // The position that it asked for.

        constructor(uri) {
            this.uri = uri;
        }

        /** The URL of the next attempt: with the query if the page would resume. */
        ask() {
            const { enabled, fallback, limit, from } = options.resume;
            this.#query = '';
            const isOwn = /[?&]resume(?:[=&]|$)/.test(this.uri) || this.uri.includes('#'); // The page's own affair.
            if (!enabled || isOwn || !(options.reconnect.enabled || from)) return this.uri;
            // The server may refuse addresses with a query: the second attempt, and then each fourth, is made without.
            if (this.#failures % 4 === 1 && fallback && !this.#isTrusted) return this.uri;
            this.#asked = this.position ? { ...this.position } : checkedPosition(from?.(this.uri));
            const { epoch, offset, session } = this.#asked ?? {};
            const words = [epoch === undefined ? 'resume' : `resume=${epoch}.${offset}`];
            if (session !== undefined) words.push(`session=${session}`);
            if (isOffset(limit)) words.push(`limit=${limit}`);
            this.#query = `${this.uri.includes('?') ? '&' : '?'}${words.join('&')}`;
            return this.uri + this.#query;
        }

        get isAsked() { return this.#query !== ''; }

        /** A URL as the page knows it. */
        plain(url) {
            return this.isAsked && url.endsWith(this.#query) ? url.slice(0, -this.#query.length) : url;
        }

        /** A connection ended, which was open or never came to be. */
        ended(wasOpen) { this.#failures = wasOpen ? 0 : this.#failures + 1; }

        /** The server says where it goes on: null, or what is missing. */
        resume(offer, socket) {
            const before = this.#asked;
            this.#isTrusted = true;
            this.position = checkedPosition(offer);
            if (!before || /^0+$/.test(before.epoch) || offer.recovered === true) return null;
            const lost = isOffset(offer.lost) ? offer.lost : null;
            return { socket, uri: this.uri, lost, before, position: { ...this.position } };
        }

        /** Notes a message; false if it was there before. */
        take(offset, { data }) {
            if (!this.position) return true;
            if (!isOffset(offset)) {
                // What is no object is counted, but not numbered. What this socket sent is counted as well, so that this
                // is the least. Objects without a number are the server's own, and not counted.
                if (typeof data !== 'string' || !/^\s*\{/.test(data)) this.position.offset += 1;
                return true;
            }
            if (offset < this.position.offset) return false;
            this.position.offset = offset + 1;
            return true;
        }
    }

    // ---- Sockets --------------------------------------------------------------------------------------------------

    const sockets = new Set();

    function makeText(message, data) {
        const id = Math.random().toString(32);
        return { id, text: JSON.stringify({ id, message: String(message), data: data === undefined ? {} : data }) };
    }

    function byteLength(data) {
        if (typeof data === 'string') return new TextEncoder().encode(data).length;
        return data?.byteLength ?? data?.size ?? 0;
    }

    /**
     * A WebSocket that outlives its connections: the same object before and after a reconnect.
     *
     * With several targets it is the one socket of `overflow`: it keeps to the first that it reaches.
     */
    class AugmentedWebSocket {
        #targets;
        #index = 0;
        #tried = 0; // Targets that failed since the last open or pause.
        #inner = null;
        #timer;
        #isClosed = false;
        #hasGivenUp = false;
        #queue = []; // [{id, text, receipt}], sent at the next open
        #queuedBytes = 0;
        #unconfirmed = new Map(); // id → receipt callback or undefined
        #isConfirming = false; // The server gives receipts.
        #callback;
        #listeners = new Map(); // type → [{listener, once}]
        #places = new Map(); // uri → Place
        #place;
        #isResuming = false; // This connection's server has said where it goes on.
        #mayOffer = false; // Nothing came yet: only the first text says that.
        #binaryType = 'blob';

        onopen = null;
        onmessage = null;
        onerror = null;
        onclose = null;
        /** Attempts since the last open. */
        attempt = 0;
        /** When the next attempt is due, in milliseconds since 1970; null if none is. */
        retryAt = null;

        constructor(targets, callback) {
            const list = Array.isArray(targets) ? targets : [{ given: targets, uri: socketString(targets) }];
            this.#targets = list;
            this.#callback = callback;
            sockets.add(this);
            this.#open();
        }

        get uri() { return this.#targets[this.#index].uri; }
        get url() { return this.#inner ? this.#place.plain(this.#inner.url) : this.uri; }
        /** Where it would go on: null while no server offered that. */
        get position() { return this.#place?.position ? { ...this.#place.position } : null; }
        get uris() { return this.#targets.map(({ uri }) => uri); }
        get connected() { return this.#inner?.readyState === OPEN; }
        get readyState() { return this.#inner?.readyState ?? CLOSED; }
        get protocol() { return this.#inner?.protocol ?? ''; }
        get extensions() { return this.#inner?.extensions ?? ''; }
        get bufferedAmount() { return this.#inner?.bufferedAmount ?? 0; }
        get binaryType() { return this.#binaryType; }
        set binaryType(type) {
            this.#binaryType = type;
            if (this.#inner) this.#inner.binaryType = type;
        }

        /** A retry is due or under way. */
        get reconnecting() { return this.#timer !== undefined || (this.attempt > 0 && this.readyState === CONNECTING); }
        /** Nothing will be sent any more, unless somebody calls `reconnect`. */
        get dead() { return this.#isClosed || this.#hasGivenUp; }
        get queued() { return this.#queue.length; }

        sendJson(message, data, receipt) {
            if (typeof data === 'function') [data, receipt] = [undefined, data];
            const { id, text } = makeText(message, data);
            return this.#put({ id, text, receipt }) ? id : undefined;
        }

        send(text) {
            return this.#put({ text });
        }

        /** Opens again, at once, and counts the attempts from the start. */
        reconnect() {
            this.#drop();
            this.#revive();
            sockets.add(this);
            this.#open();
            return this;
        }

        /** Closes for good: no reconnect. */
        close(code, reason) {
            this.stopTimer();
            this.#isClosed = true;
            this.#places.clear();
            sockets.delete(this);
            if (this.#inner && this.#inner.readyState < CLOSING) {
                if (code === undefined) this.#inner.close();
                else this.#inner.close(code, reason);
            }
            this.#abandonQueue('closed', 'The socket was closed');
        }

        addEventListener(type, listener, settings) {
            const list = this.#listeners.get(type) ?? [];
            if (!listener || list.some((entry) => entry.listener === listener)) return;
            this.#listeners.set(type, [...list, { listener, once: settings?.once === true }]);
        }

        removeEventListener(type, listener) {
            this.#listeners.set(type, (this.#listeners.get(type) ?? []).filter((entry) => entry.listener !== listener));
        }

        dispatchEvent(event) {
            if (typeof this[`on${event.type}`] === 'function') call(this[`on${event.type}`].bind(this), event);
            for (const { listener, once } of this.#listeners.get(event.type) ?? []) {
                if (once) this.removeEventListener(event.type, listener);
                call(typeof listener === 'function' ? listener.bind(this) : (e) => listener.handleEvent(e), event);
            }
            return !event.defaultPrevented;
        }

        /** Tries again after the configured delay, if it is not open. */
        startTimer() {
            if (this.#timer !== undefined || this.readyState < CLOSING || this.#isClosed) return;
            if (this.#hasGivenUp) this.#revive();
            const { enabled, delay, attempts, factor, maxDelay, jitter } = options.reconnect;
            if (!enabled || this.attempt >= attempts) {
                this.#giveUp();
                return;
            }
            this.attempt += 1;
            const full = Math.min(delay * factor ** (this.attempt - 1), Math.max(delay, maxDelay));
            const wait = full * (1 - jitter * Math.random());
            this.retryAt = Date.now() + wait;
            this.#timer = setTimeout(() => {
                this.#timer = undefined;
                this.retryAt = null;
                this.#open(wait);
            }, wait);
        }

        stopTimer() {
            clearTimeout(this.#timer);
            this.#timer = undefined;
            this.retryAt = null;
        }

        /** Does not wait for the timer: the network is back. */
        hurry() {
            if (this.#timer === undefined) return;
            this.stopTimer();
            this.#open(0);
        }

        _notify(name, data) {
            if (this.#callback && (name === 'message' || LOCAL_EVENTS.includes(name))) {
                call(this.#callback, name, { name: String(this.#targets[this.#index].given), socket: this, data });
            }
        }

        /** Whether a text, parsed, is the server's word that it resumes. */
        _isOffer(value) {
            const isFirst = this.#mayOffer;
            this.#mayOffer = false;
            // Those that other clients send have an offset.
            return isFirst && value?.socket === 'resume' && value.at === undefined && checkedPosition(value) !== null;
        }

        get _isResuming() { return this.#isResuming; }

        _resumed(offer) {
            this.#isResuming = true;
            return this.#place.resume(offer, this);
        }

        _isNew(offset, event) {
            return this.#place.take(offset, event);
        }

        _confirmed(receipt) {
            const id = receipt.messageId;
            // Other clients can send what looks like a receipt: only IDs that are waited for count.
            if (!this.#unconfirmed.has(id)) return;
            this.#isConfirming = true;
            const callback = this.#unconfirmed.get(id);
            this.#unconfirmed.delete(id);
            if (callback) call(callback, 'sent', receipt, this);
            if (listeners.has(id)) {
                raise(id, 'sent', receipt, this);
                listeners.delete(id);
            }
        }

        #open(waited) {
            const target = this.#targets[this.#index];
            if (waited !== undefined) {
                const { attempt, uri } = this;
                const { attempts } = options.reconnect;
                raiseCore(this, 'reconnect', { socket: this, uri, attempt, attempts, delay: waited });
                if (this.dead || this.readyState < CLOSING) return; // A listener closed or opened it.
            }
            const place = this.#places.get(target.uri) ?? new Place(target.uri);
            this.#places.set(target.uri, place);
            this.#place = place;
            this.#isResuming = false;
            let inner;
            let hasOpened = false;
            try {
                const Constructor = options.WebSocket ?? root.WebSocket;
                if (!Constructor) throw new Error('There is no WebSocket here: pocket.socket.configure({ WebSocket })');
                inner = new Constructor(place.ask());
            } catch (error) {
                // As a connection that fails: later, so that whoever connects has the socket by then.
                this.#inner = null;
                raiseCore(this, 'connecting', [target.given, target.uri]);
                setTimeout(() => {
                    if (this.#inner || this.dead) return;
                    this.#fail('refused', error.message);
                    this.#failed();
                });
                return;
            }
            this.#inner = inner;
            inner.binaryType = this.#binaryType;
            const on = (type, handle) => inner.addEventListener(type, (event) => {
                if (inner === this.#inner) handle(event);
            });
            on('open', (event) => {
                hasOpened = true;
                this.#mayOffer = place.isAsked;
                this.attempt = 0;
                this.#tried = 0;
                this.#flush();
                raiseCore(this, 'open', { socket: this, data: event }, event);
                this.dispatchEvent(event);
            });
            on('message', (event) => {
                receive(this, event);
            });
            on('error', (event) => {
                raiseCore(this, 'error', event);
                this.dispatchEvent(event);
            });
            on('close', (event) => {
                place.ended(hasOpened);
                raiseCore(this, 'close', event);
                this.dispatchEvent(event);
                if (inner === this.#inner) this.#failed();
            });
            raiseCore(this, 'connecting', [target.given, target.uri]);
        }

        #revive() {
            this.#isClosed = false;
            this.#hasGivenUp = false;
            this.attempt = 0;
            this.#tried = 0;
        }

        /** Lets go of the connection without a word. */
        #drop() {
            this.stopTimer();
            const inner = this.#inner;
            this.#inner = null;
            this.#abandonUnconfirmed();
            if (inner && inner.readyState < CLOSING) inner.close();
        }

        #failed() {
            this.#abandonUnconfirmed();
            if (this.#isClosed || this.#timer !== undefined) return;
            const { enabled } = options.reconnect;
            this.#index = (this.#index + 1) % this.#targets.length;
            this.#tried += 1;
            if (enabled && this.#tried < this.#targets.length) {
                this.#open();
            } else {
                this.#tried = 0;
                this.startTimer();
            }
        }

        #giveUp() {
            if (this.#hasGivenUp) return;
            this.#hasGivenUp = true;
            const why = this.attempt ? `Gave up after ${this.attempt} attempts` : 'Connection lost';
            this.#abandonQueue('gave-up', `${why}: ${this.uris.join(', ')}`, true);
        }

        #put(item) {
            if (this.connected) {
                this.#transmit(item);
                return true;
            }
            if (this.dead) return this.#refuse(item, 'not-connected', `Not connected to ${this.uri}`);
            const bytes = byteLength(item.text);
            const { messages, bytes: maxBytes } = options.queue;
            if (this.#queue.length >= messages || this.#queuedBytes + bytes > maxBytes) {
                return this.#refuse(item, 'queue-full', `Too much waits for ${this.uri}`);
            }
            this.#queue.push(item);
            this.#queuedBytes += bytes;
            return true;
        }

        #refuse(item, code, message) {
            this.#fail(code, message, [item]);
            return false;
        }

        #transmit({ id, text, receipt }) {
            if (id !== undefined) {
                this.#unconfirmed.set(id, receipt);
                if (this.#unconfirmed.size > MAX_UNCONFIRMED) {
                    const [oldest, callback] = this.#unconfirmed.entries().next().value;
                    this.#unconfirmed.delete(oldest);
                    if (callback) call(callback, 'error', new SocketError('unconfirmed', 'No receipt came', this));
                }
            }
            this.#inner.send(text);
        }

        #flush() {
            const queue = this.#queue;
            this.#queue = [];
            this.#queuedBytes = 0;
            for (const item of queue) this.#transmit(item);
        }

        #abandonQueue(code, message, always = false) {
            const items = this.#queue;
            this.#queue = [];
            this.#queuedBytes = 0;
            if (items.length || always) this.#fail(code, message, items);
        }

        /** What was sent into a connection that ended before the receipt: it may have arrived or not. */
        #abandonUnconfirmed() {
            const items = Array.from(this.#unconfirmed, ([id, receipt]) => ({ id, receipt }));
            this.#unconfirmed.clear();
            const told = this.#isConfirming ? items : items.filter(({ receipt }) => receipt);
            if (told.length) this.#fail('unconfirmed', `The connection to ${this.uri} ended before the receipt`, told);
        }

        #fail(code, message, items = []) {
            const error = new SocketError(code, message, this, items.map(({ id, text }) => ({ id, text })));
            raiseError(error);
            for (const { receipt } of items) if (receipt) call(receipt, 'error', error, this);
        }
    }
    Object.assign(AugmentedWebSocket, { CONNECTING, OPEN, CLOSING, CLOSED });
    Object.assign(AugmentedWebSocket.prototype, { CONNECTING, OPEN, CLOSING, CLOSED });

    /** The `ws://` text for a text, an `[ip, port]`, an `{ip, port}` or a function that gives one. */
    function socketString(url, secure = false) {
        const value = typeof url === 'function' ? url() : url;
        if (value instanceof Address) return value.uri;
        if (typeof value === 'string' && /^wss?:/i.test(value)) return value;
        if (isMissing(value)) throw new AddressException('Missing address', { address: value });
        const { host, port, secure: isSecure, path } = parsePair(value);
        return `${secure || isSecure ? 'wss' : 'ws'}://${host}:${port ?? DEFAULT_PORT}${path}`;
    }

    // ---- pocket.socket --------------------------------------------------------------------------------------------

    let origins = []; // Scheme and path of each of connection.addresses, by index.

    const connection = {
        addresses: [],
        ports: [],
        listType: 'mix',
        connectionType: 'broadcast',

        isSetup() {
            return connection.addresses.length > 0;
        },

        list(type = connection.listType) {
            const { addresses, ports } = connection;
            const list = new AddressList();
            const wanted = isMissing(type) ? connection.listType : type;
            const add = (index, port) => {
                const origin = origins[index];
                const isSame = origin?.host === addresses[index];
                list.push(new Address(addresses[index], port, '', isSame && origin.secure, isSame ? origin.path : ''));
            };
            if (wanted === 'mix') {
                addresses.forEach((_, index) => ports.forEach((port) => add(index, port)));
            } else if (wanted === 'flat') {
                if (addresses.length !== ports.length) {
                    throw new AddressException('The arrays of IPs and of ports differ in length', {
                        addresses, ports, listType: wanted,
                    });
                }
                addresses.forEach((_, index) => add(index, ports[index]));
            }
            return list;
        },

        addToList(list, ip, port, name = '') {
            if (isMissing(ip) || isMissing(port)) return {};
            const { host, secure, path } = parseAddress(ip);
            const entry = new Address(host, checkedPort(port), name, secure, path);
            list.push(entry);
            return entry;
        },

        empty() {
            connection.addresses = [];
            connection.ports = [];
            origins = [];
            return true;
        },

        getIp(index) {
            return connection.addresses[index] ?? null;
        },

        getPort(index) {
            return connection.ports[index] ?? null;
        },

        on(...values) {
            socket.on(...values);
            return connection;
        },

        connect(...values) {
            socket.connect(...values);
            return connection;
        },
    };

    /** Once every one of them is open, tells the other clients of each. */
    function announceWhenAllConnected(opened, entries) {
        if (opened.length < 2) return;
        let isDone = false;
        const look = () => {
            if (isDone || !opened.every(({ connected }) => connected)) return;
            isDone = true;
            opened.forEach((each, index) => {
                each.removeEventListener('open', look);
                const { ip, port, name } = entries[index];
                each.sendJson('socket.broadcast-all-connected', { ip, port, name });
            });
        };
        for (const each of opened) each.addEventListener('open', look);
        look();
    }

    function parseConnect(list, type) {
        if (!isMissing(type) && !CONNECTION_TYPES.includes(type)) {
            throw new AddressException(`Missing connections: unknown word ${String(type)}`, { list, type });
        }
        const values = isMissing(list) ? connection.list() : Array.isArray(list) ? list : [list];
        const entries = values.map((value) => {
            if (value instanceof Address) return value;
            const { host, port, secure, path } = parsePair(value);
            return new Address(host, port ?? DEFAULT_PORT, value?.name ?? '', secure, path);
        });
        if (!entries.length) throw new AddressException('Missing connections', { list, type });
        return [...new Map(entries.map((entry) => [entry.uri, entry])).values()];
    }

    const socket = {
        connection,

        setup(...values) {
            const parsed = parseSetup(...values);
            connection.empty();
            origins = parsed.origins;
            connection.addresses = origins.map(({ host }) => host);
            connection.ports = parsed.ports;
            connection.listType = parsed.listType;
            connection.connectionType = parsed.connectionType;
            return connection;
        },

        configure({ WebSocket, reconnect, queue, resume } = {}) {
            if (WebSocket !== undefined) options.WebSocket = WebSocket;
            if (typeof reconnect === 'boolean') options.reconnect.enabled = reconnect;
            else Object.assign(options.reconnect, reconnect);
            Object.assign(options.queue, queue);
            if (typeof resume === 'boolean') options.resume.enabled = resume;
            else Object.assign(options.resume, resume);
            return socket;
        },

        connect(list, type) {
            const entries = parseConnect(list, type);
            const targets = entries.map((entry) => ({ given: entry, uri: entry.uri }));
            const groups = (isMissing(type) ? connection.connectionType : type) === 'overflow'
                ? [targets] : targets.map((target) => [target]);
            const opened = groups.map((group) => {
                const key = group.map(({ uri }) => uri).join();
                const existing = [...sockets].find((each) => each.uris.join() === key);
                return existing?.dead ? existing.reconnect() : existing ?? new AugmentedWebSocket(group);
            });
            announceWhenAllConnected(opened, entries);
            return socket;
        },

        makeSocket(url, callback) {
            if (isMissing(url)) throw new AddressException('Missing address', { address: url });
            return new AugmentedWebSocket(url, callback);
        },

        get sockets() {
            return [...sockets];
        },

        close(code, reason) {
            for (const each of [...sockets]) each.close(code, reason);
        },

        on(channel, event, listener) {
            if (typeof event === 'function') addListener(channel, undefined, event);
            else addListener(channel, isMissing(event) ? undefined : String(event), listener);
            return socket;
        },

        off(channel, event, listener) {
            if (typeof event === 'function') removeListener(channel, undefined, event);
            else removeListener(channel, isMissing(event) ? undefined : String(event), listener);
            return socket;
        },

        signal(channel, event, data, to, receipt) {
            let callback = receipt;
            let target = to;
            let value = data;
            if (typeof target === 'function') [target, callback] = [undefined, target];
            if (typeof value === 'function') [value, callback] = [undefined, value];
            const message = isMissing(event) ? String(channel) : `${channel}.${event}`;
            if (target && connection.connectionType === 'overflow') {
                return [socket.sendTo(target, message, value, callback)];
            }
            return socket.sendToAll(message, value, callback);
        },

        sendTo(to, message, data, receipt) {
            if (!to) throw new AddressException('Missing socket', { message });
            return to.sendJson(message, data, receipt);
        },

        sendToAll(message, data, receipt) {
            if (isMissing(message)) return false;
            return [...sockets].map((each) => socket.sendTo(each, message, data, receipt));
        },

        send(message, data, receipt) {
            return socket.sendToAll(message, data, receipt);
        },

        start_connect_timer(which) {
            which?.startTimer();
        },

        stop_connect_timer(which) {
            which?.stopTimer();
        },
    };

    // ---- pocket.webSocket -----------------------------------------------------------------------------------------

    const webSocket = {
        connect(uri, success) {
            if (isMissing(uri)) throw new AddressException('Missing address', { address: uri });
            const made = new AugmentedWebSocket(uri);
            if (success) made.addEventListener('open', (data) => success({ socket: made, data }), { once: true });
            return made;
        },

        socketString,

        /** With `new` and without. */
        AugmentedWebSocket: Object.assign(function (uri) {
            return webSocket.connect(uri);
        }, { CONNECTING, OPEN, CLOSING, CLOSED, prototype: AugmentedWebSocket.prototype }),

        sendJson(to, message, data, receipt) {
            return to ? to.sendJson(message, data, receipt) : false;
        },

        send(text) {
            const active = webSocket.getActiveSocket();
            if (active) return active.send(text);
            raiseError(new SocketError('not-connected', 'No socket is open', undefined, [{ text }]));
            return false;
        },

        getActiveSocket() {
            return [...sockets].find(({ connected }) => connected) ?? false;
        },

        isConnected() {
            return webSocket.getActiveSocket() !== false;
        },

        close(which) {
            which?.close();
        },

        eventHook(names, listener) {
            for (const name of Array.isArray(names) ? names : [names]) addListener(name, undefined, listener);
        },
    };

    if (typeof root.addEventListener === 'function') {
        root.addEventListener('online', () => {
            for (const each of sockets) each.hurry();
        });
    }

    root.AddressException = AddressException;
    root.pocket = Object.assign(root.pocket ?? {}, { socket, webSocket });
    if (typeof module === 'object' && module.exports) module.exports = root.pocket;
})(globalThis);
