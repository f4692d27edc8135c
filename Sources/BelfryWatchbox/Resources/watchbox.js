// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// The Watchbox client for browsers. `<script src="/watchbox.file.wb">` defines `watchbox`. It needs no library. What
// each call does is in watchbox.d.ts.
(function (root) {
    'use strict';

    if (root.watchbox?.init) return; // A second <script> must not start a second client.

    const NOTHING = 'wb00', NOT_MEMBER = 'wb11', REFUSED = 'wb24';
    const JOINED = 'wb31', UNKNOWN = 'wb41', REGISTERED = 'wb42';
    const CODE = /^wb\d\d$/; // No JSON text looks like one.
    const REPLIES = 'server'; // The group that only the server publishes to.

    const REQUEST_LIMIT = 10_000; // An answer that takes longer, beyond the wait that was asked for, is none.
    const SHORT_WAIT = 500; // Of a poll beside another one, so that the two soon become one.
    const MAX_LOG_LINES = 100; // That wait for the server; what comes on top is on the console only.

    const options = {
        url: '',
        dtime: 100,
        logLevel: 3,
        disconnect: undefined,
        reconnect: undefined,
        gap: undefined, // (group, lost): messages are missing after a reconnect; `lost` is undefined if nobody knows how many.
        wait: 8000, // Below the server's timeout, after which it forgets who says nothing.
        batch: 50,
        keepAlive: 3000,
        retry: 1000,
        queue: { messages: 1000, bytes: 1024 * 1024 },
    };

    let isInitialised = false;
    let session = null; // While registered: see register
    let wasRegistered = false;
    let isPlain = false; // The server before this session answered as the original does.
    let lastRequest = 0;
    let hurryUp; // Ends the pause between two attempts to register.

    const groups = new Map(); // name → Group

    const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

    // ---- Log ------------------------------------------------------------------------------------------------------

    const logLines = [];
    let isLogging = true; // Until the server says that it wants none.
    let isSendingLog = false;

    /** To the console, and to the server once there is one. */
    function log(level, text) {
        if (level > options.logLevel) return;
        if (level === 1) console.error(`[watchbox] ${text}`);
        else console.log(`[watchbox] [level ${level}] ${text}`);
        if (!isInitialised || !isLogging || logLines.length >= MAX_LOG_LINES) return;
        logLines.push(text);
        sendLog();
    }

    async function sendLog() {
        if (isSendingLog) return;
        isSendingLog = true;
        while (isLogging && session && logLines.length) {
            const current = session;
            const { code } = await post('server', { text: encoded(['_log_', 'internals', logLines[0]]) });
            if (current !== session) continue;
            logLines.shift();
            if (code === REFUSED) isLogging = false;
            if (code === UNKNOWN) lose(current);
        }
        isSendingLog = false;
        if (!isLogging) logLines.length = 0;
    }

    /** Never silent, and never an unhandled rejection on top. */
    function refuse(error) {
        log(1, error.message);
        const refusal = Promise.reject(error);
        refusal.catch(() => {});
        return refusal;
    }

    /** What a page's own function throws is reported as what it is, and disturbs nothing here. */
    async function call(listener, ...values) {
        try {
            await listener?.(...values);
        } catch (error) {
            if (typeof root.reportError === 'function') root.reportError(error);
            else console.error(error);
        }
    }

    // ---- Requests -------------------------------------------------------------------------------------------------

    /** The wire's first two layers: JSON, percent-encoded; a form's fields are encoded once more. */
    function encoded(value) {
        const text = JSON.stringify(value);
        if (text === undefined) throw new TypeError(`${String(value)} is no JSON value`);
        return encodeURIComponent(text);
    }

    /** {code} or {text}; `failed` is an Error if there was no answer, `status` is that of one which is none. */
    async function post(type, fields, during, wait = 0) {
        const aborter = new AbortController();
        const abort = () => aborter.abort();
        const timer = setTimeout(abort, wait + REQUEST_LIMIT);
        during?.aborter.signal.addEventListener('abort', abort);
        lastRequest = performance.now();
        try {
            const response = await fetch(`${options.url}/watchbox.${type}.wb`, {
                method: 'POST',
                body: fields && new URLSearchParams(fields),
                credentials: options.url ? 'include' : 'same-origin',
                cache: 'no-store',
                signal: aborter.signal,
            });
            const text = await response.text();
            const { ok, status, headers } = response;
            if (!ok) return { failed: new Error(`The server answers ${status}`), status };
            return CODE.test(text) ? { code: text, headers } : { text };
        } catch (error) {
            return { failed: error };
        } finally {
            clearTimeout(timer);
            during?.aborter.signal.removeEventListener('abort', abort);
        }
    }

    // ---- Registration ---------------------------------------------------------------------------------------------

    async function register() {
        for (let told; ;) {
            const { code, text } = await post('register');
            if (code === REGISTERED) break;
            const answer = code ?? text?.slice(0, 100);
            if (answer !== undefined && answer !== told) log(1, `register response: ${answer}`);
            told = answer ?? told;
            await retryPause();
        }
        const isAgain = wasRegistered;
        wasRegistered = true;
        session = {
            aborter: new AbortController(),
            polls: new Set(), // {isShort}: one for all groups, and at most a short one beside it.
            mode: options.wait ? undefined : 'plain', // 'long' or 'plain' once the server has shown.
            early: 0, // Answers in a row that should have waited and did not.
            strangers: 0, // `wb11` in a row.
            rtt: 0,
            since: performance.now(),
        };
        log(2, 'connected');
        if (isAgain) call(options.reconnect);
        sendLog();
        sendOutbox();
        // A member's queue outlives a short outage, but an original server empties it at a join: it is asked first.
        for (const group of groups.values()) group.isMember = isPlain && group.wasMember;
        isPlain = false;
        joinAll([...groups.values()].filter(({ isMember, members }) => !isMember && members.length), session);
        pump();
    }

    /** Between two attempts; some earlier and some later, so that not all pages come at once. */
    function retryPause() {
        return new Promise((resolve) => {
            hurryUp = resolve;
            setTimeout(resolve, options.retry * (0.75 + Math.random() / 2));
        });
    }

    /** The end of a session, once: what is under way ends, and the next one begins. */
    async function lose(lost) {
        if (lost !== session) return;
        session = null;
        lost.aborter.abort();
        isPlain = lost.mode === 'plain';
        for (const group of groups.values()) group.isPolled = group.isJoining = false;
        log(2, 'disconnected');
        call(options.disconnect);
        // A browser that keeps no cookies is told so at once, every time.
        if (performance.now() - lost.since < options.retry) await retryPause();
        register();
    }

    function keepAlive() {
        if (!session || session.polls.size || performance.now() - lastRequest < options.keepAlive) return;
        const current = session;
        post('register', undefined, current).then(({ failed }) => {
            if (failed) lose(current);
        });
    }

    // ---- Groups ---------------------------------------------------------------------------------------------------

    /** A group, its callbacks, and what came for them. */
    class Group {
        members = []; // [{callback, onjoin, resolve, reject}]
        isMember = false;
        isJoining = false;
        wasMember = false; // In this session or an earlier one.
        isPolled = false;
        position = ''; // '<epoch>.<offset>' of the first message that is not here yet, from servers that say it.
        #pending = [];
        #isDelivering = false;

        constructor(name) {
            this.name = name;
        }

        /** The server holds back the rest for a page that can't keep up. */
        get isFull() {
            return this.#pending.length >= options.batch;
        }

        async deliver(value) {
            log(3, `from group: ${this.name}`);
            this.#pending.push(value);
            if (this.#isDelivering) return;
            this.#isDelivering = true;
            while (this.#pending.length) {
                const next = this.#pending.shift();
                for (const { callback } of [...this.members]) await call(callback, next);
                if (this.#pending.length === options.batch - 1) pump();
            }
            this.#isDelivering = false;
            pump();
        }

        joined() {
            this.isMember = this.wasMember = true;
            for (const member of this.members.filter(({ resolve }) => resolve)) {
                const { onjoin, resolve } = member;
                member.resolve = member.reject = undefined;
                call(onjoin);
                resolve(JOINED);
            }
        }

        refused(code) {
            for (const member of this.members.filter(({ reject }) => reject)) {
                member.reject(new Error(`The server refuses the group ${this.name}: ${code}`));
                member.resolve = member.reject = undefined;
            }
        }
    }

    function joinAll(list, current) {
        for (const group of list) joinGroup(group, current);
    }

    async function joinGroup(group, current) {
        if (group.isJoining || current !== session) return;
        group.isJoining = true;
        group.isMember = false;
        const start = performance.now();
        const fields = { group: group.name, resume: group.position }; // An original server does not look at `resume`.
        const { code, failed, headers } = await post('join', fields, current);
        if (current !== session) return;
        group.isJoining = false;
        current.rtt = performance.now() - start;
        if (failed || code === UNKNOWN) {
            lose(current);
            return;
        }
        log(code === JOINED ? 3 : 1, `join response: ${code}`);
        if (code === JOINED) {
            standing(group, headers);
            group.joined();
        } else group.refused(code);
        pump();
    }

    /** Where the page is in the group's messages, as a server that resumes says it. */
    function standing(group, headers) {
        const position = headers.get('X-Watchbox-Position');
        if (!position) return;
        group.position = position;
        if (headers.get('X-Watchbox-Recovered') !== 'false') return;
        const lost = headers.get('X-Watchbox-Lost');
        log(2, `${lost || 'some'} messages of group ${group.name} are lost`);
        call(options.gap, group.name, lost ? Number(lost) : undefined);
    }

    // ---- Polling --------------------------------------------------------------------------------------------------

    /**
     * Asks for what may have come, wherever nobody is asking already.
     *
     * Two gets for one group would come back in any order. So a group that is joined while a get waits is asked for
     * beside it, in short ones, until they can go together.
     */
    function pump() {
        if (!session) return;
        const idle = [...groups.values()].filter(({ isMember, isPolled, members, isFull }) =>
            isMember && members.length && !isPolled && !isFull);
        if (!idle.length) return;
        if (session.mode === 'plain') {
            for (const group of idle) poll([group], session, 0);
        } else if (![...session.polls].some(({ isShort }) => isShort)) {
            poll(idle, session, session.polls.size ? Math.min(options.wait, SHORT_WAIT) : options.wait);
        }
    }

    async function poll(list, current, wait) {
        const mark = { isShort: wait < options.wait };
        current.polls.add(mark);
        for (const group of list) group.isPolled = true;
        const fields = list.map(({ name }) => ['group', name]);
        if (wait) fields.push(['wait', wait], ['batch', options.batch], ['at', 1]);
        const start = performance.now();
        const answer = await post('get', fields, current, wait);
        if (current !== session) {
            if (answer.text) receive(answer.text, list, current, wait);
            return;
        }
        const rest = await digest(answer, list, current, wait, performance.now() - start);
        if (current !== session) return;
        current.polls.delete(mark);
        if (rest) await pause(rest);
        if (current !== session) return;
        for (const group of list) group.isPolled = false;
        pump();
    }

    /** Acts on an answer; how long to wait before the next question. */
    function digest({ code, text, failed }, list, current, wait, elapsed) {
        if (failed || code === UNKNOWN) {
            lose(current);
        } else if (code === NOT_MEMBER) {
            current.strangers += 1;
            joinAll(list, current);
            return current.strangers > 1 ? options.dtime : 0;
        } else if (code === NOTHING) {
            return wait ? judge(current, wait, elapsed) : options.dtime;
        } else if (code) {
            log(1, `get response: ${code}`);
            return options.dtime;
        } else {
            current.strangers = 0;
            receive(text, list, current, wait);
        }
        return 0;
    }

    /** Whether the server waits when it is asked to. The original does not, and knows one group for each get. */
    function judge(current, wait, elapsed) {
        current.strangers = 0;
        if (elapsed >= Math.min(wait / 4, Math.max(250, 3 * current.rtt))) {
            current.early = 0;
            if (wait === options.wait && elapsed >= 0.9 * wait) current.mode = 'long';
            return 0;
        }
        current.early += 1;
        if (current.early >= (current.mode === 'long' ? 10 : 2)) current.mode = 'plain';
        return options.dtime;
    }

    function isBatch(value, list) {
        return Array.isArray(value) && value.length > 0 && value.every((entry) =>
            typeof entry === 'object' && entry !== null && 'message' in entry
                && list.some(({ name }) => name === entry.group));
    }

    function receive(text, list, current, wait) {
        let value;
        try {
            value = JSON.parse(text);
        } catch {
            if (wait) current.mode = 'plain';
            log(1, `what came from group ${list[0].name} is no JSON`);
            return;
        }
        if (wait && isBatch(value, list)) {
            current.mode = 'long';
            current.early = 0;
            for (const { group, message, at } of value) {
                const entry = groups.get(group);
                if (entry && at !== undefined) entry.position = entry.position.replace(/\.\d+$/, `.${at + 1}`);
                entry?.deliver(message);
            }
        } else {
            if (wait) current.mode = 'plain';
            groups.get(list[0].name)?.deliver(value);
        }
    }

    // ---- Sending --------------------------------------------------------------------------------------------------

    const outbox = []; // [{type, fields, size, isRepeated, resolve, reject}], in order, one at a time
    let outboxBytes = 0;
    let isSendingOutbox = false;

    function enqueue(type, value, fields) {
        let text;
        try {
            text = encoded(value);
        } catch (error) {
            return refuse(error);
        }
        if (outbox.length >= options.queue.messages || outboxBytes + text.length > options.queue.bytes) {
            return refuse(new Error(`Too many messages wait to be sent: ${outbox.length}, ${outboxBytes} bytes`));
        }
        outboxBytes += text.length;
        const sent = new Promise((resolve, reject) => {
            outbox.push({ type, fields: { ...fields, text }, size: text.length, isRepeated: false, resolve, reject });
        });
        sent.catch(() => {}); // Logged where it fails.
        sendOutbox();
        return sent;
    }

    async function sendOutbox() {
        if (isSendingOutbox) return;
        isSendingOutbox = true;
        while (session && outbox.length) {
            const current = session;
            const message = outbox[0];
            const { code, text, failed, status } = await post(message.type, message.fields);
            if (code === UNKNOWN && !message.isRepeated) {
                message.isRepeated = true; // It was not taken, so it is sent again after the next registration.
                lose(current);
                continue;
            }
            outbox.shift();
            outboxBytes -= message.size;
            if (code === UNKNOWN || (failed && !status)) lose(current);
            if (code) {
                log(3, `message response: ${code}`);
                message.resolve(code);
            } else {
                const error = failed ?? new Error(`The server answers ${text.slice(0, 100)}`);
                log(1, `a message may not have arrived: ${error.message}`);
                message.reject(error);
            }
        }
        isSendingOutbox = false;
    }

    // ---- What pages call ------------------------------------------------------------------------------------------

    const isFunction = (value) => typeof value === 'function';
    /** As the wire can carry it, so that answers are found again under it. */
    const groupName = (group) =>
        new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(String(group)));

    function whatIsWrong(...complaints) {
        if (!isInitialised) return refuse(new Error('not initialised: call watchbox.init() first'));
        const found = complaints.find(([isWrong]) => isWrong);
        return found && refuse(new TypeError(found[1]));
    }

    function parseInit(first, second, ...rest) {
        if (typeof first === 'object' && first !== null) return first;
        const hasLevel = typeof second === 'number' || rest.length > 1;
        const [level, disconnect, reconnect] = hasLevel ? [second, ...rest] : [undefined, second, ...rest];
        return { dtime: first, logLevel: level, disconnect, reconnect };
    }

    root.watchbox = {
        init(...values) {
            if (isInitialised) {
                log(1, 'already initialised');
                return;
            }
            const given = parseInit(...values);
            for (const [key, value] of Object.entries(given)) {
                if (!(key in options)) throw new TypeError(`watchbox.init: unknown option ${key}`);
                if (value === undefined || value === null) continue;
                if (key === 'queue') Object.assign(options.queue, value);
                else if (key === 'url') options.url = String(value).replace(/\/+$/, '');
                else if (key === 'disconnect' || key === 'reconnect' || key === 'gap') {
                    if (!isFunction(value)) throw new TypeError(`watchbox.init: ${key} is no function`);
                    options[key] = value;
                } else if (Number.isFinite(Number(value)) && Number(value) >= 0) options[key] = Number(value);
                else throw new TypeError(`watchbox.init: ${key} is no number: ${String(value)}`);
            }
            options.batch = Math.max(1, Math.trunc(options.batch));
            options.wait = Math.trunc(options.wait);
            isInitialised = true;
            setInterval(keepAlive, Math.max(100, options.keepAlive / 3));
            root.addEventListener?.('online', () => hurryUp?.());
            register();
        },

        join(group, callback, onjoin) {
            const wrong = whatIsWrong(
                [group === undefined || group === null, 'a group needs a name'],
                [!isFunction(callback), 'a callback is a function'],
                [onjoin !== undefined && onjoin !== null && !isFunction(onjoin), 'onjoin is a function']);
            if (wrong) return wrong;
            const name = groupName(group);
            if (!groups.has(name)) groups.set(name, new Group(name));
            const entry = groups.get(name);
            const joined = new Promise((resolve, reject) => {
                entry.members.push({ callback, onjoin, resolve, reject });
            });
            joined.catch(() => {}); // Logged where it fails.
            if (entry.isMember) queueMicrotask(() => entry.joined());
            else if (session) joinGroup(entry, session);
            return joined;
        },

        leave(group, callback) {
            const entry = groups.get(groupName(group));
            if (!entry) return;
            // The group itself stays, as a get may be under way for it.
            entry.members = callback ? entry.members.filter((member) => member.callback !== callback) : [];
        },

        publish(message, group) {
            const wrong = whatIsWrong(
                [group === undefined || group === null, 'a group needs a name'],
                [String(group) === REPLIES, `group '${REPLIES}' is locked: only the server publishes to it`]);
            return wrong ?? enqueue('brdcst', message, { group: groupName(group) });
        },

        send(message) {
            return whatIsWrong() ?? enqueue('server', message, {});
        },
    };
})(globalThis);
