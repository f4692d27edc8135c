// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// The chat page. A room is a channel: `message` {key, from, nick, text}, `hello` {from, nick, ask}, `leave` {from}.
// What others sent is only ever put into text nodes.
(function () {
    'use strict';

    const MAX_TEXT = 4000;
    const MAX_SHOWN = 20000;
    const MAX_MESSAGES = 500;
    const MAX_PEOPLE = 200;
    const MAX_PRESENCE = 20;
    const GROUP_WITHIN = 3 * 60 * 1000;
    const GONE_AFTER = 4000;

    const $ = (id) => document.getElementById(id);
    const log = $('log');
    const text = $('text');
    const me = { id: randomKey(), nick: '' };
    const rooms = new Map(); // name → {name, messages, people, unread, keys, draft}
    let current;
    let unreadInTitle = 0;
    let wasOpen = false;

    // ---- What is kept between visits --------------------------------------------------------------------------------

    /** Storage may be switched off; then nothing is kept. */
    function remember(storage, key, value) {
        try {
            if (value === undefined) return window[storage].getItem(key) ?? '';
            window[storage].setItem(key, value);
        } catch {
            // Not kept.
        }
        return '';
    }

    // ---- Small things -----------------------------------------------------------------------------------------------

    function randomKey() {
        return Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join('');
    }

    /** An element with a class and children; texts become text nodes. */
    function make(tag, className, ...children) {
        const element = document.createElement(tag);
        if (className) element.className = className;
        element.append(...children);
        return element;
    }

    const asText = (value, limit) => (typeof value === 'string' ? value.slice(0, limit) : '');
    const cleanNick = (value) => asText(value, 32).replace(/\s+/g, ' ').trim();

    /** A name that is one channel: the first dot would end it, and `socket` is the library's own. */
    function cleanRoom(value) {
        const name = asText(value, 60).trim().replace(/^#+\s*/, '').replace(/[.\s]+/g, '-').slice(0, 40).toLowerCase();
        return name === 'socket' ? '' : name;
    }

    function hashText() {
        try {
            return decodeURIComponent(location.hash.slice(1));
        } catch {
            return ''; // A % that means nothing.
        }
    }

    const time = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
    const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

    function makeAvatar(id, nick) {
        let hue = 0;
        for (const unit of id) hue = (hue * 31 + unit.codePointAt(0)) % 360;
        const words = nick.split(/[\s_-]+/).filter(Boolean);
        const initials = words.slice(0, 2).map((word) => [...word][0]).join('').toUpperCase() || '?';
        const avatar = make('span', 'avatar', initials);
        avatar.setAttribute('aria-hidden', 'true');
        avatar.style.setProperty('--hue', hue);
        return avatar;
    }

    /** Web addresses become links; everything else stays text. */
    function linked(value) {
        return value.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?')\]])/).map((part, index) => {
            if (index % 2 === 0 || !URL.canParse(part)) return part;
            const link = make('a', '', part);
            link.href = part;
            link.target = '_blank';
            link.rel = 'noopener noreferrer nofollow';
            return link;
        });
    }

    // ---- Rooms ------------------------------------------------------------------------------------------------------

    function room(name) {
        if (rooms.has(name)) return rooms.get(name);
        const made = { name, messages: [], people: new Map(), unread: 0, keys: new Set(), draft: '' };
        rooms.set(name, made);
        pocket.socket.on(name, (event, payload) => receive(made, event, payload));
        announce(made, true);
        remember('sessionStorage', 'belfry.rooms', JSON.stringify([...rooms.keys()]));
        return made;
    }

    function enter(name) {
        if (current) current.draft = text.value;
        current = room(name);
        current.unread = 0;
        if (hashText() !== name) history.replaceState(null, '', `#${encodeURIComponent(name)}`);
        text.value = current.draft;
        text.placeholder = `Message #${name}`;
        $('room-name').textContent = name;
        log.setAttribute('aria-live', 'off'); // What was said before is not read aloud again.
        log.replaceChildren();
        current.messages.forEach((message, index) => log.append(...render(message, current.messages[index - 1])));
        log.scrollTop = log.scrollHeight;
        requestAnimationFrame(() => log.setAttribute('aria-live', 'polite'));
        $('newer').hidden = true;
        textChanged();
        showRooms();
        showPeople();
        showTitle();
    }

    function leave(target) {
        pocket.socket.signal(target.name, 'leave', { from: me.id });
    }

    function step(by) {
        const names = [...rooms.keys()];
        enter(names[(names.indexOf(current.name) + by + names.length) % names.length]);
    }

    function showRooms() {
        $('rooms').replaceChildren(...Array.from(rooms.values(), (each) => {
            const button = make('button', '', make('span', 'room-label', make('bdi', '', each.name)));
            button.type = 'button';
            button.dataset.room = each.name;
            if (each === current) button.setAttribute('aria-current', 'true');
            if (each.unread) {
                const badge = make('span', 'badge', each.unread > 99 ? '99+' : String(each.unread));
                badge.append(make('span', 'visually-hidden', ' unread'));
                button.append(badge);
            }
            return make('li', '', button);
        }));
        $('menu-dot').hidden = ![...rooms.values()].some(({ unread }) => unread);
        $('empty').hidden = current.messages.length > 0;
    }

    function showTitle() {
        document.title = `${unreadInTitle ? `(${unreadInTitle}) ` : ''}#${current.name} · Belfry chat`;
    }

    // ---- People -----------------------------------------------------------------------------------------------------

    function announce(target, ask) {
        if (!me.nick || !pocket.webSocket.isConnected()) return;
        pocket.socket.signal(target.name, 'hello', { from: me.id, nick: me.nick, ask });
    }

    /** Notes that somebody is there; true if that is news. */
    function greet(target, from, nick) {
        const known = target.people.get(from);
        if (!known && target.people.size >= MAX_PEOPLE) return false;
        target.people.set(from, { nick, seen: Date.now() });
        if (target === current && known?.nick !== nick) showPeople();
        return !known;
    }

    /** The server says that somebody went, not who: all say that they are there, and who does not is gone. */
    let recount;
    function countAgain(ask = false) {
        if (recount && !ask) return;
        clearTimeout(recount);
        const since = Date.now();
        for (const each of rooms.values()) announce(each, ask);
        recount = setTimeout(() => {
            recount = undefined;
            for (const each of rooms.values()) {
                for (const [id, { seen }] of each.people) if (seen < since) each.people.delete(id);
            }
            showPeople();
        }, GONE_AFTER);
    }

    function showPeople() {
        const others = Array.from(current.people, ([id, { nick }]) => ({ id, nick }));
        others.sort((one, two) => one.nick.localeCompare(two.nick));
        const own = make('li', '', makeAvatar(me.id, me.nick), make('bdi', '', me.nick), make('span', 'you', 'you'));
        $('people').replaceChildren(own, ...others.map(({ id, nick }) =>
            make('li', '', makeAvatar(id, nick), make('bdi', '', nick))));
        const count = others.length + 1;
        $('room-count').textContent = count === 1 ? 'Only you are here' : `${count} people here`;
    }

    function showMe() {
        $('me-name').textContent = me.nick;
        const avatar = makeAvatar(me.id, me.nick);
        avatar.id = 'me-avatar';
        $('me-avatar').replaceWith(avatar);
    }

    function showPresence(className, what) {
        const list = $('presence');
        list.querySelector('.quiet')?.remove();
        const now = make('time', '', time.format(Date.now()));
        list.prepend(make('li', '', make('span', `what ${className}`, what), now));
        while (list.children.length > MAX_PRESENCE) list.lastChild.remove();
    }

    // ---- Messages ---------------------------------------------------------------------------------------------------

    function receive(target, event, payload) {
        const data = payload?.data;
        const from = asText(data?.from, 64);
        if (from === me.id) return; // A server with --echo.
        const nick = cleanNick(data?.nick) || 'Somebody';
        if (event === 'hello') {
            if (!from) return;
            const isNew = greet(target, from, nick);
            if (data.ask === true) announce(target, false);
            if (isNew && data.ask === true) addNote(target, [make('bdi', '', nick), ' came in']);
        } else if (event === 'leave') {
            const person = target.people.get(from);
            if (!person) return;
            target.people.delete(from);
            addNote(target, [make('bdi', '', person.nick), ' left']);
            if (target === current) showPeople();
        } else {
            // Other clients of the broker send other events and other data: shown as well as can be.
            const key = asText(data?.key, 64);
            if (key && target.keys.has(key)) return; // It came through another server already, or was sent again.
            if (key) keepKey(target, key);
            const said = [data?.text, data].find((each) => typeof each === 'string') ?? JSON.stringify(data) ?? '';
            if (from) greet(target, from, nick);
            const author = from || event === 'message' || !event ? nick : `${nick} · ${asText(event, 40)}`;
            const shown = said.slice(0, MAX_SHOWN);
            add(target, { kind: 'message', from: from || 'somebody', nick: author, text: shown, at: new Date() });
        }
    }

    function keepKey(target, key) {
        target.keys.add(key);
        if (target.keys.size > 1000) target.keys.delete(target.keys.values().next().value);
    }

    function send(said) {
        const message = {
            kind: 'message', own: true, from: me.id, nick: me.nick, text: said, at: new Date(),
            key: randomKey(), state: 'sending',
        };
        transmit(current, message);
        add(current, message);
    }

    /** Sends to every server; one receipt is enough. */
    function transmit(target, message) {
        const { key, from, nick } = message;
        let open = 0;
        message.state = pocket.webSocket.isConnected() ? 'sending' : 'waiting';
        const data = { key, from, nick, text: message.text };
        const ids = pocket.socket.signal(target.name, 'message', data, null, (event) => {
            open -= 1;
            if (event === 'sent') message.state = 'sent';
            else if (message.state !== 'sent' && open <= 0) message.state = 'failed';
            showState(target, message);
        });
        open += ids ? ids.length : 0;
        if (!ids || !ids.some(Boolean)) message.state = 'failed';
    }

    function addNote(target, children, className = '') {
        add(target, { kind: 'note', children, className, at: new Date() });
    }

    function add(target, message) {
        const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
        const before = target.messages.at(-1);
        target.messages.push(message);
        if (target.messages.length > MAX_MESSAGES) target.messages.shift()?.element?.remove();
        const isFromOther = message.kind === 'message' && !message.own;
        if (target === current) {
            $('empty').hidden = true;
            log.append(...render(message, before));
            if (isAtEnd || message.own) log.scrollTop = log.scrollHeight;
            else if (isFromOther) $('newer').hidden = false;
        } else if (isFromOther) {
            target.unread += 1;
            showRooms();
        }
        if (isFromOther && document.hidden) {
            unreadInTitle += 1;
            showTitle();
        }
    }

    /** The list items of a message: itself, and the day if a new one began. */
    function render(message, before) {
        const isNewDay = before && before.at.toDateString() !== message.at.toDateString();
        const items = isNewDay ? [make('li', 'day', day.format(message.at))] : [];
        if (message.kind === 'note') {
            const children = message.children.map((child) => (typeof child === 'string' ? child : child.cloneNode(true)));
            message.element = make('li', `note ${message.className}`, make('span', '', ...children));
            return [...items, message.element];
        }
        const isFirst = isNewDay || before?.kind !== 'message' || before.from !== message.from
            || before.nick !== message.nick || message.at - before.at > GROUP_WITHIN;
        const said = make('span', 'text', ...linked(message.text));
        said.dir = 'auto';
        const bubble = make('div', 'bubble', said);
        if (message.text.length > 1500 || message.text.split('\n').length > 16) {
            said.classList.add('cut');
            const more = make('button', 'more', 'Show all');
            more.type = 'button';
            more.addEventListener('click', () => {
                said.classList.remove('cut');
                more.remove();
            });
            bubble.append(more);
        }
        const stamp = make('time', '', time.format(message.at));
        stamp.dateTime = message.at.toISOString();
        bubble.append(make('span', 'meta', stamp, make('span', 'state')));
        const author = make('span', 'author', make('bdi', '', message.own ? 'You' : message.nick));
        const body = make('div', 'message-body', author, bubble);
        message.element = make('li', 'message', makeAvatar(message.from, message.nick), body);
        message.element.classList.toggle('own', message.own === true);
        message.element.classList.toggle('first', isFirst);
        if (message.own) showState(current, message);
        return [...items, message.element];
    }

    const states = {
        sending: ['…', 'sending'], waiting: ['…', 'waits for the connection'], sent: ['✓', 'sent'],
        failed: ['!', 'not sent'],
    };

    function showState(target, message) {
        const { element, state } = message;
        if (!element) return;
        const [sign, words] = states[state];
        const mark = make('span', '', ` ${sign}`);
        mark.setAttribute('aria-hidden', 'true');
        const place = element.querySelector('.state');
        place.replaceChildren(mark, make('span', 'visually-hidden', `, ${words}`));
        place.title = words;
        element.classList.toggle('failed', state === 'failed');
        element.querySelector('.not-sent')?.remove();
        if (state !== 'failed') return;
        const again = make('button', '', 'Try again');
        again.type = 'button';
        again.addEventListener('click', () => {
            transmit(target, message);
            showState(target, message);
            text.focus();
        });
        element.querySelector('.message-body').append(make('p', 'not-sent', 'Perhaps not sent. ', again));
    }

    // ---- The connection ---------------------------------------------------------------------------------------------

    let ticking;

    function showConnection() {
        const sockets = pocket.socket.sockets;
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
        else if (wasOpen || isWaiting) [state, words] = ['waiting', 'Reconnecting…'];
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

    const where = (socket) => (pocket.socket.sockets.length > 1 ? `: ${socket.uri}` : '');

    function onSocket(name, payload, socket) {
        if (!payload?.__event) { // What happened here, not what somebody says.
            if (name === 'open') {
                if (wasOpen) for (const each of rooms.values()) addNote(each, [`Connected again${where(socket)}`]);
                wasOpen = true;
                countAgain(true);
            } else if (name === 'close' && payload.type === 'close' && socket.attempt === 0 && wasOpen && !socket.dead) {
                for (const each of rooms.values()) addNote(each, [`Connection lost${where(socket)}`], 'lost');
            }
            showConnection();
            return;
        }
        const who = `${asText(payload.address, 60)}:${Number(payload.port) || '?'}`;
        if (name === 'connected') showPresence('came', `${who} connected`);
        else if (name === 'disconnected') {
            showPresence('went', `${who} disconnected`);
            countAgain();
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

    // ---- Hands ------------------------------------------------------------------------------------------------------

    function textChanged() {
        if (!CSS.supports('field-sizing', 'content')) {
            text.style.height = 'auto';
            text.style.height = `${text.scrollHeight + 2}px`;
        }
        const left = MAX_TEXT - text.value.length;
        $('left').textContent = left < 500 ? `${left} left` : '';
    }

    function submit() {
        const said = text.value.trim();
        if (!said) return;
        text.value = '';
        textChanged();
        send(said.slice(0, MAX_TEXT));
    }

    const isDrawer = () => getComputedStyle($('side')).position === 'fixed';

    function showSide(isShown) {
        $('side').classList.toggle('shown', isShown);
        $('menu').setAttribute('aria-expanded', String(isShown));
        if (!isDrawer()) return;
        document.querySelector('.main').inert = isShown;
        if (isShown) $('side-close').focus();
        else $('menu').focus();
    }

    function ask(isFirst) {
        const dialog = $('welcome');
        $('welcome-title').textContent = isFirst ? 'Join the chat' : 'Your name';
        $('welcome-go').textContent = isFirst ? 'Join' : 'Save';
        $('welcome-room').hidden = $('welcome-room-label').hidden = !isFirst;
        $('welcome-room').required = isFirst;
        $('welcome-error').textContent = '';
        $('nick').value = me.nick || remember('localStorage', 'belfry.nick');
        $('welcome-room').value = cleanRoom(hashText()) || 'lobby';
        dialog.dataset.first = String(isFirst);
        dialog.showModal();
        $('nick').select();
    }

    function answered(event) {
        const isFirst = $('welcome').dataset.first === 'true';
        const nick = cleanNick($('nick').value);
        const name = cleanRoom($('welcome-room').value);
        if (!nick || (isFirst && !name)) {
            event.preventDefault();
            $('welcome-error').textContent = nick ? 'A room needs another name.' : 'Please say who you are.';
            (nick ? $('welcome-room') : $('nick')).focus();
            return;
        }
        me.nick = nick;
        remember('localStorage', 'belfry.nick', nick);
        remember('sessionStorage', 'belfry.nick', nick);
        showMe();
        if (isFirst) start(name);
        else {
            for (const each of rooms.values()) announce(each, false);
            showPeople();
        }
        text.focus();
    }

    function start(first) {
        let names = [];
        try {
            names = JSON.parse(remember('sessionStorage', 'belfry.rooms') || '[]').map(cleanRoom).filter(Boolean);
        } catch {
            // What was kept is of no use.
        }
        document.body.classList.add('joined');
        for (const name of new Set(['lobby', ...names, first])) room(name);
        enter(first);
        pocket.socket
            .configure({ reconnect: { delay: 1000, factor: 1.6, maxDelay: 15000, jitter: 0.3, attempts: Infinity } })
            .on('socket', onSocket);
        try {
            pocket.socket.setup(servers(), 'broadcast').connect();
        } catch (error) {
            addNote(current, [`${error.message}. Look at ?server= in the address.`], 'lost');
        }
    }

    $('composer').addEventListener('submit', (event) => {
        event.preventDefault();
        submit();
        text.focus();
    });
    text.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        submit();
    });
    text.addEventListener('input', textChanged);
    $('join').addEventListener('submit', (event) => {
        event.preventDefault();
        const name = cleanRoom($('join-room').value);
        if (!name) return;
        $('join-room').value = '';
        enter(name);
        showSide(false);
        text.focus();
    });
    $('rooms').addEventListener('click', (event) => {
        const button = event.target.closest('button');
        if (!button) return;
        enter(button.dataset.room);
        showSide(false);
        text.focus();
    });
    $('me').addEventListener('click', () => ask(false));
    $('welcome-form').addEventListener('submit', answered);
    $('welcome').addEventListener('cancel', (event) => {
        if ($('welcome').dataset.first === 'true') event.preventDefault();
    });
    $('menu').addEventListener('click', () => showSide(true));
    $('side-close').addEventListener('click', () => showSide(false));
    $('backdrop').addEventListener('click', () => showSide(false));
    $('retry').addEventListener('click', () => {
        for (const each of pocket.socket.sockets) if (!each.connected) each.reconnect();
        showConnection();
        text.focus();
    });
    $('newer').addEventListener('click', () => {
        log.scrollTop = log.scrollHeight;
        text.focus();
    });
    log.addEventListener('scroll', () => {
        if (log.scrollHeight - log.scrollTop - log.clientHeight < 80) $('newer').hidden = true;
    });
    document.addEventListener('keydown', (event) => {
        if (!current || $('welcome').open) return;
        if (event.key === 'Escape' && $('side').classList.contains('shown')) showSide(false);
        if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
            event.preventDefault();
            step(event.key === 'ArrowUp' ? -1 : 1);
        }
    });
    document.addEventListener('visibilitychange', () => {
        if (document.hidden || !current) return;
        unreadInTitle = 0;
        showTitle();
    });
    window.addEventListener('hashchange', () => {
        const name = cleanRoom(hashText());
        if (current && name && name !== current.name) enter(name);
    });
    window.addEventListener('pagehide', () => {
        if (pocket.webSocket.isConnected()) for (const each of rooms.values()) leave(each);
    });

    me.nick = cleanNick(remember('sessionStorage', 'belfry.nick'));
    const asked = cleanRoom(hashText());
    if (me.nick) {
        showMe();
        start(asked || 'lobby');
    } else {
        ask(true);
    }
})();
