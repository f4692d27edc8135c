// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// The connection, what is said of it, and who comes to the server and goes.
(function (chat) {
    'use strict';

    const MAX_PRESENCE = 20;
    const WAIT_FOR_HISTORY = 4000;
    const { $, make, rooms } = chat;
    let wasOpen = false;
    let ticking;

    function showConnection() {
        const sockets = pocket.socket.sockets;
        if (!sockets.length) return;
        const open = sockets.filter(({ connected }) => connected).length;
        const isDead = sockets.every(({ dead }) => dead);
        const due = Math.min(...sockets.map(({ retryAt }) => retryAt ?? Infinity));
        const seconds = Math.max(0, Math.ceil((due - Date.now()) / 1000));
        const isWaiting = sockets.some(({ reconnecting }) => reconnecting);
        let state = 'connecting';
        let words = 'Connecting…';
        if (open === sockets.length) [state, words] = ['open', open > 1 ? `${open} servers` : 'Connected'];
        else if (open) [state, words] = ['waiting', `${open} of ${sockets.length} servers`];
        else if (isDead) [state, words] = ['dead', 'Not connected'];
        else if (wasOpen || isWaiting) [state, words] = ['waiting', navigator.onLine ? 'Reconnecting…' : 'Offline'];
        if ($('status').dataset.state !== state) $('status').dataset.state = state;
        if ($('status-text').textContent !== words) $('status-text').textContent = words;
        $('status').title = sockets
            .map(({ uri, connected }) => `${uri}: ${connected ? 'connected' : 'not connected'}`).join('\n');
        $('banner').hidden = open > 0 || (state === 'connecting' && !isWaiting);
        $('banner-text').textContent = wasOpen
            ? 'The connection is lost. What you write is kept and sent later.' : 'The server cannot be reached.';
        const attempt = Math.max(...sockets.map((each) => each.attempt));
        $('banner-detail').textContent = isDead || !attempt ? ''
            : Number.isFinite(due) && seconds ? `Attempt ${attempt} in ${seconds} s.` : `Attempt ${attempt}…`;
        if (open < sockets.length && !ticking) ticking = setInterval(showConnection, 250);
        if (open === sockets.length) ticking = clearInterval(ticking);
    }

    function showPresence(className, what) {
        const list = $('presence');
        list.querySelector('.quiet')?.remove();
        const now = make('time', '', chat.time.format(Date.now()));
        list.prepend(make('li', '', make('span', `what ${className}`, what), now));
        while (list.children.length > MAX_PRESENCE) list.lastChild.remove();
    }

    const where = (socket) => (pocket.socket.sockets.length > 1 ? `: ${socket.uri}` : '');

    function note(words, className) {
        for (const each of rooms.values()) chat.addNote(each, [words], className);
    }

    function onSocket(name, payload, socket) {
        if (!payload?.__event) { // What happened here, not what somebody says.
            if (name === 'open') {
                if (wasOpen) note(`Connected again${where(socket)}`);
                wasOpen = true;
                chat.countAgain();
                if (chat.epoch === undefined) for (const each of rooms.values()) chat.history.load(each);
            } else if (name === 'close' && payload.type === 'close' && socket.attempt === 0 && wasOpen && !socket.dead) {
                note(`Connection lost${where(socket)}`, 'lost');
            } else if (name === 'gap') {
                const count = payload.lost === 1 ? 'One message' : `${payload.lost} messages`;
                note(payload.lost === null ? 'Messages may be missing here'
                    : `${count}, of all rooms, passed unseen and are no longer kept`, 'lost');
            }
            showConnection();
            return;
        }
        if (name === 'resume' && chat.history.isOn && socket?.position?.epoch === payload.epoch) {
            chat.history.epochIs(payload.epoch);
        }
        const who = `${chat.asText(payload.address, 60)}:${Number(payload.port) || '?'}`;
        if (name === 'connected') showPresence('came', `${who} connected`);
        else if (name === 'disconnected') {
            showPresence('went', `${who} disconnected`);
            chat.wentAway();
        }
    }

    /** `?server=host:port,…`; else where the page is from; else, from a file, this machine. */
    function servers() {
        const given = new URLSearchParams(location.search).get('server');
        if (given) return given.split(',').map((each) => each.trim()).filter(Boolean);
        if (!location.protocol.startsWith('http')) return ['127.0.0.1:8001'];
        const isSecure = location.protocol === 'https:';
        const port = location.port || (isSecure ? 443 : 80);
        return [`${isSecure ? 'wss' : 'ws'}://${location.hostname}:${port}`];
    }

    /** Fetches what was said before, then connects behind it: nothing is missing between the two, and nothing twice. */
    async function connect() {
        const wait = new Promise((resolve) => setTimeout(resolve, WAIT_FOR_HISTORY));
        const from = await Promise.race([chat.history.begin(), wait]);
        pocket.socket
            .configure({
                reconnect: { delay: 1000, factor: 1.6, maxDelay: 15000, jitter: 0.3, attempts: Infinity },
                // A server that serves this page and refuses the query is none that is known.
                resume: { from: () => from, fallback: !chat.history.isOn },
            })
            .on('socket', onSocket);
        try {
            pocket.socket.setup(servers(), 'broadcast').connect();
        } catch (error) {
            chat.addNote(chat.current, [`${error.message}. Look at ?server= in the address.`], 'lost');
        }
    }

    for (const name of ['online', 'offline']) window.addEventListener(name, showConnection);

    Object.assign(chat, { connect, showConnection });
})(window.chat);
