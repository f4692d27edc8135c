// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// The list of messages: a window of bounded size onto the current room's, with the days and the line above what is new.
(function (chat) {
    'use strict';

    const MAX_ELEMENTS = 500; // Messages and notes in the document.
    const STEP = 200; // By which the window moves.
    const NEAR = 80; // Pixels.
    const GROUP_WITHIN = 3 * 60 * 1000;
    const HOLD_FOR = 500; // Milliseconds; longer than browsers' smooth scrolling takes.
    const { $, make } = chat;
    const log = $('log');
    let start = 0; // The window: messages[start..<end].
    let end = 0;
    let tail = 0; // As many messages as there were; what came since is to be put into the document.
    let isAtEnd = true;
    let flushing;
    let holding; // At the end, though a smooth scroll that began before may still be under way.
    let shown; // The room.

    const messages = () => chat.current?.messages ?? [];
    const isNearEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;

    // ---- One message ------------------------------------------------------------------------------------------------

    /** The list items of a message: itself, above it the day if a new one began, and the line if it is the first new. */
    function render(message, before) {
        const { date } = message;
        const dayBefore = before ? before.date : new Date();
        const isNewDay = Boolean(dayBefore && date && dayBefore.toDateString() !== date.toDateString());
        const isFirstNew = message === chat.current.newFrom;
        message.items = [];
        if (isNewDay) message.items.push(make('li', 'day', chat.day.format(date)));
        if (isFirstNew) {
            const line = make('li', 'new-line', make('span', '', 'New'));
            line.id = 'new-line';
            message.items.push(line);
        }
        const isJoined = !isNewDay && !isFirstNew && before?.kind === 'message' && before.from === message.from
            && before.nick === message.nick && (!date || !before.date || date - before.date < GROUP_WITHIN);
        message.element = message.kind === 'note' ? renderNote(message) : renderSaid(message, !isJoined);
        message.items.push(message.element);
        return message.items;
    }

    function renderNote({ children, className }) {
        const copies = children.map((child) => (typeof child === 'string' ? child : child.cloneNode(true)));
        return make('li', `note ${className}`, make('span', '', ...copies));
    }

    function renderSaid(message, isFirst) {
        const said = make('span', 'text', ...chat.linked(message.text));
        said.dir = 'auto';
        const bubble = make('div', 'bubble', said);
        if (!message.isWhole && (message.text.length > 1500 || message.text.split('\n').length > 16)) {
            said.classList.add('cut');
            const more = make('button', 'more', 'Show all');
            more.type = 'button';
            more.addEventListener('click', () => {
                message.isWhole = true;
                said.classList.remove('cut');
                more.remove();
                log.focus();
            });
            bubble.append(more);
        }
        const meta = make('span', 'meta');
        if (message.date) {
            const stamp = make('time', '', chat.time.format(message.date));
            stamp.dateTime = message.date.toISOString();
            meta.append(stamp);
        }
        meta.append(make('span', 'state'));
        bubble.append(meta);
        const author = make('span', 'author', make('bdi', '', message.own ? 'You' : message.nick));
        const body = make('div', 'message-body', author, bubble);
        const element = make('li', 'message', chat.makeAvatar(message.from, message.nick), body);
        element.classList.toggle('own', message.own === true);
        element.classList.toggle('first', isFirst);
        message.element = element;
        if (message.own) showState(message);
        return element;
    }

    const states = {
        sending: ['…', 'sending'], waiting: ['…', 'waits for the connection'], sent: ['✓', 'sent'],
        failed: ['!', 'not sent'],
    };

    function showState(message) {
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
            chat.transmit(message.room, message);
            showState(message);
            $('text').focus();
        });
        element.querySelector('.message-body').append(make('p', 'not-sent', 'Perhaps not sent. ', again));
    }

    // ---- The window -------------------------------------------------------------------------------------------------

    function remove(message) {
        for (const item of message.items ?? []) item.remove();
        message.items = message.element = undefined;
    }

    /** Changes the list while what is being read stays where it is. */
    function inPlace(change) {
        const top = log.getBoundingClientRect().top;
        const first = messages().find(({ element }) => element?.getBoundingClientRect().bottom > top);
        const before = first?.element.getBoundingClientRect().top;
        change();
        if (first?.element?.isConnected) log.scrollTop += first.element.getBoundingClientRect().top - before;
    }

    /** Puts the window's messages into the document; what was there before is not read aloud. */
    function draw() {
        log.setAttribute('aria-live', 'off');
        const all = messages();
        tail = all.length;
        for (const message of all) message.items = message.element = undefined;
        const items = [];
        for (let index = start; index < end; index += 1) items.push(...render(all[index], all[index - 1]));
        log.replaceChildren(makeOlder(), ...items);
        showEdges();
        requestAnimationFrame(() => log.setAttribute('aria-live', 'polite'));
    }

    function makeOlder() {
        const button = make('button', 'text-button', 'Older messages');
        button.type = 'button';
        button.id = 'older';
        button.addEventListener('click', () => older(true));
        const item = make('li', 'older', button);
        item.id = 'older-item';
        return item;
    }

    /** What there is above and below the window. */
    function showEdges() {
        const target = chat.current;
        const item = $('older-item');
        if (item) {
            item.hidden = start === 0 && !chat.history.hasOlder(target);
            $('older').disabled = target.isLoading === true;
            $('older').textContent = target.isLoading ? 'Loading…' : 'Older messages';
        }
        $('empty').hidden = target.messages.length > 0 || chat.history.hasOlder(target) || target.isLoading === true;
        if (isAtEnd && end === target.messages.length) $('newer').hidden = true;
    }

    function toEnd() {
        if (end < messages().length) {
            end = messages().length;
            start = Math.max(0, end - MAX_ELEMENTS);
            draw();
        }
        log.scrollTop = log.scrollHeight;
        isAtEnd = true;
        clearTimeout(holding);
        holding = setTimeout(letGo, HOLD_FOR);
        showEdges();
        chat.look();
    }

    function letGo() {
        holding = clearTimeout(holding);
    }

    /** Shows a room from its first new message, or from its end. */
    function show() {
        const all = messages();
        for (const message of shown?.messages ?? []) message.items = message.element = undefined;
        shown = chat.current;
        const first = chat.current.newFrom ? all.indexOf(chat.current.newFrom) : -1;
        end = first < 0 ? all.length : Math.min(all.length, first + MAX_ELEMENTS / 2);
        start = Math.max(0, end - MAX_ELEMENTS);
        draw();
        const line = $('new-line');
        log.scrollTop = line ? Math.max(0, line.offsetTop - log.clientHeight / 4) : log.scrollHeight;
        isAtEnd = end === all.length && isNearEnd();
        $('newer').hidden = isAtEnd;
    }

    async function older(isAsked = false) {
        const target = chat.current;
        if (start > 0) {
            inPlace(() => {
                start = Math.max(0, start - STEP);
                end = Math.min(end, start + MAX_ELEMENTS);
                draw();
            });
        } else if (!target.isLoading && chat.history.hasOlder(target) && (isAsked || !target.hasFailed)) {
            await chat.history.load(target);
        }
        if (isAsked && chat.current === target && $('older-item')?.hidden) log.focus();
    }

    function newer() {
        if (end === tail) return;
        inPlace(() => {
            end = Math.min(messages().length, end + STEP);
            start = Math.max(start, end - MAX_ELEMENTS);
            draw();
        });
    }

    /** So many older messages were put before those of a room. */
    function merged(target, count) {
        if (target !== chat.current) return;
        inPlace(() => {
            start = Math.max(0, start + count - STEP);
            end = Math.min(messages().length, Math.max(start + MAX_ELEMENTS, count));
            start = Math.max(start, end - MAX_ELEMENTS);
            draw();
        });
    }

    /** The last messages are new; they are put into the document together, soon. */
    function added(target, removed) {
        if (target !== chat.current) return;
        if (removed) {
            start = Math.max(0, start - 1);
            end = Math.max(start, end - 1);
            tail = Math.max(end, tail - 1);
            remove(removed);
        }
        if (flushing) return;
        // With the next frame: many that come together are measured once. Hidden pages have no frames.
        flushing = { frame: requestAnimationFrame(flush), timer: setTimeout(flush, 200) };
    }

    function flush() {
        cancelAnimationFrame(flushing?.frame);
        clearTimeout(flushing?.timer);
        flushing = undefined;
        const all = messages();
        const fresh = all.slice(tail);
        const isOwn = fresh.some(({ own }) => own);
        const isAttached = end === tail;
        tail = all.length;
        if (!fresh.length) return;
        if (isAtEnd && fresh.length >= MAX_ELEMENTS) toEnd();
        else if (isAttached && fresh.length < MAX_ELEMENTS) {
            const append = () => {
                for (; end < all.length; end += 1) log.append(...render(all[end], all[end - 1]));
                while (end - start > MAX_ELEMENTS) remove(all[start++]);
            };
            if (isAtEnd) {
                append();
                log.scrollTop = log.scrollHeight;
            } else inPlace(append);
        }
        if (isOwn) toEnd();
        if (!isAtEnd && fresh.some(({ kind, own }) => kind === 'message' && !own)) $('newer').hidden = false;
        showEdges();
        chat.look();
    }

    for (const input of ['keydown', 'pointerdown', 'touchstart', 'wheel']) {
        document.addEventListener(input, letGo, { capture: true, passive: true });
    }
    log.addEventListener('scroll', () => {
        if (holding !== undefined && end === tail && !isNearEnd()) log.scrollTop = log.scrollHeight;
        isAtEnd = end === tail && isNearEnd();
        if (log.scrollTop < NEAR) older();
        else if (isNearEnd()) newer();
        if (isAtEnd) {
            $('newer').hidden = true;
            chat.look();
        }
    });

    chat.log = {
        show, added, merged, flush, toEnd, showState, showEdges,
        get isAtEnd() { return isAtEnd; },
    };
})(window.chat);
