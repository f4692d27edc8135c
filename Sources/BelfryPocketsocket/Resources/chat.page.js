// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// What the chat page is made of: elements, names, and what is kept between visits. The page's other scripts add to
// `chat`. What others sent is only ever put into text nodes.
window.chat = (function () {
    'use strict';

    const MAX_OWN_IDS = 30;

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

    /** What was kept as JSON, if it is of that kind; else the default. */
    function recall(storage, key, isFit, otherwise) {
        try {
            const value = JSON.parse(remember(storage, key) || 'null');
            return isFit(value) ? value : otherwise;
        } catch {
            return otherwise;
        }
    }

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

    const isTextList = (value) => Array.isArray(value) && value.every((each) => typeof each === 'string');
    const me = { id: randomKey(), nick: '' };
    // Under which this browser spoke before: in the history those messages are its own.
    const ownIDs = [me.id, ...recall('localStorage', 'belfry.mine', isTextList, [])].slice(0, MAX_OWN_IDS);
    const keepOwnID = () => remember('localStorage', 'belfry.mine', JSON.stringify(ownIDs));

    return {
        $: (id) => document.getElementById(id),
        me,
        rooms: new Map(), // name → what chat.rooms.js makes
        current: undefined,
        /** Whose order the offsets of messages are of. */
        epoch: undefined,
        /** Whether a message of the past is this browser's own. */
        isOwn: (from, nick) => from === me.id || (ownIDs.includes(from) && nick === me.nick),
        keepOwnID,
        isTextList,
        time: new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' }),
        day: new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' }),
        remember, recall, randomKey, make, asText, cleanNick, cleanRoom, hashText, makeAvatar, linked,
    };
})();
