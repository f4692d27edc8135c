// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// Rooms and who is in them. A room is a channel: `message` {key, from, nick, text, time}, `hello` {from, nick, ask},
// `leave` {from}.
(function (chat) {
    'use strict';

    const MAX_SHOWN = 20000; // Characters of a message.
    const MAX_MESSAGES = 3000; // Of a room, in memory.
    const MAX_KEYS = 1000;
    const MAX_PEOPLE = 200;
    const GONE_AFTER = 4000; // Who does not answer.
    const LAST_WORDS = 500;
    const BEAT = 5 * 60 * 1000; // Pages say so often that they are there,
    const TIMEOUT = 2.5 * BEAT; // and who has not for so long is gone.
    const { $, make, me, rooms, asText, cleanNick } = chat;

    // ---- Rooms ------------------------------------------------------------------------------------------------------

    function room(name) {
        if (rooms.has(name)) return rooms.get(name);
        const made = {
            name, messages: [], people: new Map(), keys: new Set(), draft: '',
            unread: 0, newFrom: undefined, // The first message that was not seen when it came.
            older: undefined, // Of the history: what is before that offset is not loaded; null if that is nothing.
        };
        rooms.set(name, made);
        pocket.socket.on(name, (event, payload, socket) => receive(made, event, payload, socket));
        announce(made, true);
        const names = JSON.stringify([...rooms.keys()]);
        for (const storage of ['sessionStorage', 'localStorage']) chat.remember(storage, 'belfry.rooms', names);
        return made;
    }

    function enter(name) {
        const isNew = !rooms.has(name);
        const text = $('text');
        if (chat.current) {
            chat.current.draft = text.value;
            if (!chat.current.unread) chat.current.newFrom = undefined;
        }
        chat.current = room(name);
        if (chat.hashText() !== name) history.replaceState(null, '', `#${encodeURIComponent(name)}`);
        text.value = chat.current.draft;
        text.placeholder = `Message #${name}`;
        $('room-name').textContent = name;
        chat.log.show();
        chat.textChanged();
        showRooms();
        showPeople();
        look();
        if (isNew && pocket.socket.sockets.length) chat.history.load(chat.current);
    }

    function step(by) {
        const names = [...rooms.keys()];
        enter(names[(names.indexOf(chat.current.name) + by + names.length) % names.length]);
    }

    function showRooms() {
        $('rooms').replaceChildren(...Array.from(rooms.values(), (each) => {
            const button = make('button', '', make('span', 'room-label', make('bdi', '', each.name)));
            button.type = 'button';
            button.dataset.room = each.name;
            if (each === chat.current) button.setAttribute('aria-current', 'true');
            if (each.unread) {
                const badge = make('span', 'badge', each.unread > 99 ? '99+' : String(each.unread));
                badge.append(make('span', 'visually-hidden', ' unread'));
                button.append(badge);
            }
            return make('li', '', button);
        }));
        $('menu-dot').hidden = ![...rooms.values()].some((each) => each.unread && each !== chat.current);
        showTitle();
    }

    function showTitle() {
        const unread = document.hidden ? Array.from(rooms.values(), (each) => each.unread).reduce((a, b) => a + b, 0) : 0;
        document.title = `${unread ? `(${unread}) ` : ''}#${chat.current.name} · Belfry chat`;
    }

    /** Somebody may be looking at the end of the room: then all of it is read. The line stays for now. */
    function look() {
        const target = chat.current;
        if (!target || document.hidden || !chat.log.isAtEnd) return;
        chat.history.noteRead(target);
        if (!target.unread) return;
        target.unread = 0;
        showRooms();
    }

    // ---- People -----------------------------------------------------------------------------------------------------

    function announce(target, ask) {
        if (!me.nick || !pocket.webSocket.isConnected()) return;
        pocket.socket.signal(target.name, 'hello', { from: me.id, nick: me.nick, ask });
    }

    /** Says that one is there, to who asked; in a crowd not all at the same moment, and to several at once. */
    function answer(target) {
        target.answering ??= setTimeout(() => {
            target.answering = undefined;
            announce(target, false);
        }, Math.random() * Math.min(2000, 20 * target.people.size));
    }

    /** Notes that somebody is there; true if that is news. */
    function greet(target, from, nick) {
        const known = target.people.get(from);
        if (!known && target.people.size >= MAX_PEOPLE) return false;
        target.people.set(from, { nick, seen: Date.now() });
        if (target === chat.current && known?.nick !== nick) showPeople();
        return !known;
    }

    function forget(isGone) {
        for (const each of rooms.values()) {
            for (const [id, person] of each.people) if (isGone(person)) each.people.delete(id);
        }
        showPeople();
    }

    /** All say that they are there, and who does not is gone. */
    let recount;
    let isToRepeat = false; // Somebody went meanwhile.
    function countAgain() {
        for (const each of rooms.values()) announce(each, true);
        isToRepeat = recount !== undefined;
        if (isToRepeat) return;
        const since = Date.now();
        recount = setTimeout(() => {
            recount = undefined;
            forget(({ seen }) => seen < since);
            if (isToRepeat) countAgain();
        }, GONE_AFTER);
    }

    /** The server says that somebody went, not who. Who said so goes without counting; last words may come later. */
    const leavers = new Set();
    let departure;
    function wentAway() {
        const [known] = leavers;
        if (known !== undefined) leavers.delete(known);
        else departure ??= setTimeout(() => {
            departure = undefined;
            countAgain();
        }, LAST_WORDS);
    }

    setInterval(() => {
        for (const each of rooms.values()) announce(each, false);
        leavers.clear();
        forget(({ seen }) => seen < Date.now() - TIMEOUT);
    }, BEAT);

    function showPeople() {
        if (!chat.current) return;
        const others = Array.from(chat.current.people, ([id, { nick }]) => ({ id, nick }));
        others.sort((one, two) => one.nick.localeCompare(two.nick));
        const own = make('li', '', chat.makeAvatar(me.id, me.nick), make('bdi', '', me.nick), make('span', 'you', 'you'));
        $('people').replaceChildren(own, ...others.map(({ id, nick }) =>
            make('li', '', chat.makeAvatar(id, nick), make('bdi', '', nick))));
        const count = others.length + 1;
        $('room-count').textContent = count === 1 ? 'Only you are here'
            : `${count}${others.length >= MAX_PEOPLE ? ' or more' : ''} people here`;
    }

    // ---- Messages ---------------------------------------------------------------------------------------------------

    /** When something was said, by its sender's clock if that can be; what comes now was said now. */
    function dateOf(time, isOld) {
        const age = Date.now() - time;
        if (Number.isFinite(age) && age > -60_000 && age < 1e12 && (isOld || age > 60_000)) return new Date(time);
        return isOld ? null : new Date();
    }

    /** A message as it is shown; undefined for what is none. Other clients send other events and other data. */
    function parse(target, event, payload, isOld) {
        const data = payload?.data;
        if (event === 'hello' || event === 'leave') return undefined;
        const from = asText(data?.from, 64);
        const nick = cleanNick(data?.nick) || 'Somebody';
        const said = [data?.text, data].find((each) => typeof each === 'string') ?? JSON.stringify(data) ?? '';
        const own = isOld && from !== '' && chat.isOwn(from, nick);
        const at = isOld ? payload.at : payload.__at;
        const offset = Number.isSafeInteger(at) ? at : undefined;
        return {
            kind: 'message', room: target, own, state: own ? 'sent' : undefined, from: from || 'somebody',
            nick: from || event === 'message' || !event ? nick : `${nick} · ${asText(event, 40)}`,
            text: said.slice(0, MAX_SHOWN), key: asText(data?.key, 64) || undefined, date: dateOf(data?.time, isOld),
            offset, order: offset ?? 0,
        };
    }

    function receive(target, event, payload, socket) {
        const data = payload?.data;
        const from = asText(data?.from, 64);
        if (from === me.id) return; // A server with --echo.
        const nick = cleanNick(data?.nick) || 'Somebody';
        if (event === 'hello') {
            if (!from) return;
            const isNew = greet(target, from, nick);
            if (data.ask === true) answer(target);
            if (isNew && data.ask === true) addNote(target, [make('bdi', '', nick), ' came in']);
        } else if (event === 'leave') {
            if (leavers.size < MAX_PEOPLE) leavers.add(from);
            const person = target.people.get(from);
            if (!person) return;
            target.people.delete(from);
            addNote(target, [make('bdi', '', person.nick), ' left']);
            if (target === chat.current) showPeople();
        } else {
            const message = parse(target, event, payload, false);
            // It came through another server already, or was sent again.
            if (message.key && target.keys.has(message.key)) return;
            if (message.key) keepKey(target, message.key);
            if (from) greet(target, from, nick);
            // Only a server that resumes, and is the one with the history, says an offset that means something.
            if (!chat.history.isOn || socket?.position?.epoch !== chat.epoch) message.offset = undefined;
            add(target, message);
        }
    }

    function keepKey(target, key) {
        target.keys.add(key);
        if (target.keys.size > MAX_KEYS) target.keys.delete(target.keys.values().next().value);
    }

    function send(said) {
        const target = chat.current;
        const message = {
            kind: 'message', room: target, own: true, from: me.id, nick: me.nick, text: said, date: new Date(),
            key: chat.randomKey(), state: 'sending',
        };
        target.newFrom = undefined;
        $('new-line')?.remove();
        transmit(target, message);
        add(target, message);
        chat.log.flush();
    }

    /** Sends to every server; one receipt is enough. */
    function transmit(target, message) {
        const { key, from, nick, date } = message;
        let open = 0;
        message.state = pocket.webSocket.isConnected() ? 'sending' : 'waiting';
        const data = { key, from, nick, text: message.text, time: date.getTime() };
        const ids = pocket.socket.signal(target.name, 'message', data, null, (event) => {
            open -= 1;
            if (event === 'sent') message.state = 'sent';
            else if (message.state !== 'sent' && open <= 0) message.state = 'failed';
            chat.log.showState(message);
        });
        open += ids ? ids.length : 0;
        if (!ids || !ids.some(Boolean)) message.state = 'failed';
    }

    function addNote(target, children, className = '') {
        add(target, { kind: 'note', children, className, date: new Date() });
    }

    function add(target, message) {
        // What has no offset stands behind what came before it.
        message.order = message.offset ?? target.messages.at(-1)?.order ?? pocket.socket.sockets[0]?.position?.offset ?? 1e15;
        target.messages.push(message);
        const removed = target.messages.length > MAX_MESSAGES ? target.messages.shift() : undefined;
        chat.log.added(target, removed);
        if (message.kind !== 'message' || message.own) return;
        if (target === chat.current && !document.hidden && chat.log.isAtEnd) return; // Read as soon as it is there.
        if (!target.unread) {
            target.newFrom?.items?.find(({ id }) => id === 'new-line')?.remove();
            target.newFrom = message;
        }
        target.unread += 1;
        showRooms();
    }

    Object.assign(chat, {
        MAX_MESSAGES, room, enter, step, showRooms, showTitle, look, announce, countAgain, wentAway, showPeople, parse, send,
        transmit, addNote,
    });
})(window.chat);
