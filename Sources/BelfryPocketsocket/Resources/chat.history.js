// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// What was said before: pages of the server's history, put among a room's messages by their offsets, and how far this
// browser has read. Only the server that the page is from is asked: others do not let the page read their answers.
(function (chat) {
    'use strict';

    const PAGE = 200; // Of all channels together.
    const ENOUGH = 50; // Messages of the room, for one time of asking.
    const MAX_PAGES = 5;
    const MAX_ROOMS_READ = 100;
    const isOffset = (value) => Number.isSafeInteger(value) && value >= 0;
    const isOn = location.protocol.startsWith('http') && !new URLSearchParams(location.search).has('server');

    // ---- How far one has read ---------------------------------------------------------------------------------------

    const isRead = (value) => typeof value?.epoch === 'string' && typeof value.rooms === 'object' && value.rooms !== null;
    let read = chat.recall('localStorage', 'belfry.read', isRead, { epoch: '', rooms: {} });
    let saving;

    function save() {
        clearTimeout(saving);
        saving = undefined;
        const entries = Object.entries(read.rooms).slice(-MAX_ROOMS_READ);
        chat.remember('localStorage', 'belfry.read', JSON.stringify({ epoch: read.epoch, rooms: Object.fromEntries(entries) }));
    }

    /** The last offset that was read in a room; undefined if this browser was never there. */
    function lastRead(target) {
        const offset = Object.hasOwn(read.rooms, target.name) ? read.rooms[target.name] : undefined;
        return read.epoch === chat.epoch && isOffset(offset) ? offset : undefined;
    }

    function noteRead(target) {
        const offset = target.messages.findLast((message) => isOffset(message.offset))?.offset ?? -1;
        if (chat.epoch === undefined || offset <= (lastRead(target) ?? -1)) return;
        if (read.epoch !== chat.epoch) read = { epoch: chat.epoch, rooms: {} };
        delete read.rooms[target.name]; // What was read last stands last.
        read.rooms[target.name] = offset;
        saving ??= setTimeout(save, 500);
    }

    // ---- Pages ------------------------------------------------------------------------------------------------------

    /** `{epoch, messages, older}`; null if there is none to be had. */
    async function fetchPage(before) {
        if (!isOn) return null;
        const place = `/pocketsocket/history?limit=${PAGE}${isOffset(before) ? `&before=${before}` : ''}`;
        try {
            const answer = await fetch(place, { signal: AbortSignal.timeout(8000), credentials: 'same-origin' });
            if (!answer.ok) return null;
            const { epoch, messages, older } = await answer.json();
            if (typeof epoch !== 'string' || !Array.isArray(messages)) return null;
            return { epoch, messages: messages.filter(({ at }) => isOffset(at)), older: isOffset(older) ? older : null };
        } catch {
            return null;
        }
    }

    /** The newest page, before the connection: the room's past, and where the connection goes on. */
    async function begin() {
        const page = await fetchPage();
        if (!page) return;
        chat.epoch = page.epoch;
        for (const each of chat.rooms.values()) load(each, page);
        const last = page.messages.at(-1)?.at;
        if (last !== undefined) return { epoch: page.epoch, offset: last + 1 };
    }

    /** What of a page was said in a room. */
    function saidIn(target, page) {
        return page.messages.flatMap((payload) => {
            if (typeof payload.message !== 'string' || 'socket' in payload) return [];
            const [channel, event] = payload.message.split('.');
            return channel === target.name ? chat.parse(target, event, payload, true) ?? [] : [];
        });
    }

    /** Puts messages among those of a room, each once. */
    function merge(target, messages) {
        const keys = new Set(target.messages.map(({ key }) => key));
        const offsets = new Set(target.messages.map(({ offset }) => offset));
        const fresh = messages.filter(({ key, offset }) => !offsets.has(offset) && !(key && keys.has(key)));
        if (!fresh.length) return 0;
        const all = [];
        let index = 0;
        for (const message of target.messages) {
            while (index < fresh.length && fresh[index].order < message.order) all.push(fresh[index++]);
            all.push(message);
        }
        target.messages = [...all, ...fresh.slice(index)];
        return fresh.length;
    }

    const hasOlder = (target) => isOn && target.older !== null && target.messages.length < chat.MAX_MESSAGES;

    /** Fetches what was said before in a room; `page` is the newest if it is there already. */
    async function load(target, page) {
        if (target.isLoading || !hasOlder(target)) return;
        target.isLoading = true;
        if (target === chat.current) chat.log.showEdges();
        const isFirst = target.older === undefined;
        let found = [];
        let next = page;
        target.hasFailed = false;
        for (let count = 0; count < MAX_PAGES && found.length < ENOUGH && target.older !== null; count += 1) {
            next ??= await fetchPage(target.older);
            target.hasFailed = next === null;
            if (!next) break;
            chat.epoch ??= next.epoch;
            if (next.epoch !== chat.epoch) { // Of before the server forgot.
                target.older = null;
                break;
            }
            found = [...saidIn(target, next), ...found];
            target.older = next.older;
            next = undefined;
        }
        target.isLoading = false;
        const count = merge(target, found);
        if (isFirst) {
            countUnread(target);
            if (target === chat.current) chat.log.show();
            chat.look();
        } else chat.log.merged(target, count);
        if (target === chat.current) chat.log.showEdges();
    }

    /** What was said since this browser was here last. */
    function countUnread(target) {
        const last = lastRead(target);
        if (last === undefined || target.newFrom) return;
        const unread = target.messages.filter(({ kind, own, offset }) => kind === 'message' && !own && offset > last);
        target.newFrom = unread[0];
        target.unread = unread.length;
        chat.showRooms();
    }

    /** The server has forgotten, or is another: offsets of before mean nothing. */
    function epochIs(epoch) {
        if (chat.epoch === epoch) return;
        const isChange = chat.epoch !== undefined;
        chat.epoch = epoch;
        if (!isChange) return;
        for (const target of chat.rooms.values()) {
            target.older = null;
            for (const message of target.messages) [message.order, message.offset] = [-1, undefined];
            if (target === chat.current) chat.log.showEdges();
        }
    }

    window.addEventListener('pagehide', save);

    chat.history = { begin, load, hasOlder, noteRead, epochIs, isOn };
})(window.chat);
