// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// The chat page: what hands do on it, and its beginning.
(function (chat) {
    'use strict';

    const MAX_TEXT = 4000;
    const { $, me, rooms, remember, cleanRoom } = chat;
    const text = $('text');

    chat.textChanged = function () {
        if (!CSS.supports('field-sizing', 'content')) {
            text.style.height = 'auto';
            text.style.height = `${text.scrollHeight + 2}px`;
        }
        const left = MAX_TEXT - text.value.length;
        $('left').textContent = left < 500 ? `${left} left` : '';
    };

    function submit() {
        const said = text.value.trim();
        if (!said) return;
        text.value = '';
        chat.textChanged();
        chat.send(said.slice(0, MAX_TEXT));
    }

    // ---- The drawer and the dialog ----------------------------------------------------------------------------------

    const isDrawer = () => getComputedStyle($('side')).position === 'fixed';

    function showSide(isShown) {
        $('side').classList.toggle('shown', isShown);
        $('menu').setAttribute('aria-expanded', String(isShown));
        if (!isDrawer()) return;
        document.querySelector('.main').inert = isShown;
        if (isShown) $('side-close').focus();
        else $('menu').focus();
    }

    /** Where one goes on writing; on a phone the keyboard stays down until the field is tapped. */
    function focusText() {
        if (!matchMedia('(hover: none) and (pointer: coarse)').matches) text.focus();
    }

    function showMe() {
        $('me-name').textContent = me.nick;
        const avatar = chat.makeAvatar(me.id, me.nick);
        avatar.id = 'me-avatar';
        $('me-avatar').replaceWith(avatar);
    }

    function ask(isFirst) {
        const dialog = $('welcome');
        $('welcome-title').textContent = isFirst ? 'Join the chat' : 'Your name';
        $('welcome-go').textContent = isFirst ? 'Join' : 'Save';
        $('welcome-room').hidden = $('welcome-room-label').hidden = !isFirst;
        $('welcome-room').required = isFirst;
        $('welcome-error').textContent = '';
        $('nick').value = me.nick || remember('localStorage', 'belfry.nick');
        $('welcome-room').value = cleanRoom(chat.hashText()) || 'lobby';
        dialog.dataset.first = String(isFirst);
        dialog.showModal();
        $('nick').select();
    }

    function answered(event) {
        const isFirst = $('welcome').dataset.first === 'true';
        const nick = chat.cleanNick($('nick').value);
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
            for (const each of rooms.values()) chat.announce(each, false);
            chat.showPeople();
        }
    }

    function start(first) {
        const kept = ['sessionStorage', 'localStorage']
            .map((storage) => chat.recall(storage, 'belfry.rooms', chat.isTextList, undefined)).find(Boolean) ?? [];
        document.body.classList.add('joined');
        chat.keepOwnID();
        for (const name of new Set(['lobby', ...kept.slice(0, 50).map(cleanRoom).filter(Boolean), first])) chat.room(name);
        chat.enter(first);
        chat.connect();
    }

    // ---- Keys, clicks and the window ----------------------------------------------------------------------------------

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
    text.addEventListener('input', chat.textChanged);
    $('skip').addEventListener('click', (event) => {
        event.preventDefault();
        text.focus();
    });
    $('join').addEventListener('submit', (event) => {
        event.preventDefault();
        const name = cleanRoom($('join-room').value);
        if (!name) return;
        $('join-room').value = '';
        chat.enter(name);
        showSide(false);
        focusText();
    });
    $('rooms').addEventListener('click', (event) => {
        const button = event.target.closest('button');
        if (!button) return;
        chat.enter(button.dataset.room);
        showSide(false);
        focusText();
    });
    $('me').addEventListener('click', () => ask(false));
    $('welcome-form').addEventListener('submit', answered);
    // Browsers let Escape close a dialog, whatever the page says, while nothing was done on it.
    $('welcome').addEventListener('close', () => {
        if (!me.nick) ask(true);
        else focusText(); // Not before: what is below a dialog can't have the focus.
    });
    $('welcome').addEventListener('cancel', (event) => {
        if ($('welcome').dataset.first === 'true') event.preventDefault();
    });
    $('menu').addEventListener('click', () => showSide(true));
    $('side-close').addEventListener('click', () => showSide(false));
    $('backdrop').addEventListener('click', () => showSide(false));
    $('retry').addEventListener('click', () => {
        for (const each of pocket.socket.sockets) if (!each.connected) each.reconnect();
        chat.showConnection();
        focusText();
    });
    $('newer').addEventListener('click', () => {
        chat.log.toEnd();
        focusText();
    });

    /** Escape: out of the drawer; else to the newest message, without the line, and to the field. */
    function escape() {
        if ($('side').classList.contains('shown')) {
            showSide(false);
            return;
        }
        chat.log.toEnd();
        chat.current.newFrom = undefined;
        $('new-line')?.remove();
        text.focus();
    }

    document.addEventListener('keydown', (event) => {
        if (!chat.current || $('welcome').open || event.isComposing) return;
        if (event.key === 'Escape') escape();
        else if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
            event.preventDefault();
            chat.step(event.key === 'ArrowUp' ? -1 : 1);
        } else if ((event.key === 'PageUp' || event.key === 'PageDown') && event.target === text) {
            event.preventDefault();
            $('log').scrollBy({ top: (event.key === 'PageUp' ? -0.9 : 0.9) * $('log').clientHeight });
        }
    });
    document.addEventListener('visibilitychange', () => {
        if (!chat.current) return;
        chat.look();
        chat.showTitle();
    });
    window.addEventListener('hashchange', () => {
        const name = cleanRoom(chat.hashText());
        if (chat.current && name && name !== chat.current.name) chat.enter(name);
    });
    window.addEventListener('pagehide', () => {
        if (!pocket.webSocket.isConnected()) return;
        for (const each of rooms.values()) pocket.socket.signal(each.name, 'leave', { from: me.id });
    });

    /** Some on-screen keyboards lie over the page instead of making it smaller: then it ends above them. */
    function fit() {
        const view = window.visualViewport;
        if (!view || view.scale !== 1) return; // Zoomed in, one wants to see a part.
        const wasAtEnd = chat.log.isAtEnd;
        document.documentElement.style.setProperty('--height', `${view.height}px`);
        if (view.offsetTop) window.scrollTo(0, 0);
        if (wasAtEnd && chat.current) $('log').scrollTop = $('log').scrollHeight;
    }
    window.visualViewport?.addEventListener('resize', fit);

    me.nick = chat.cleanNick(remember('sessionStorage', 'belfry.nick'));
    const asked = cleanRoom(chat.hashText());
    if (me.nick) {
        showMe();
        start(asked || 'lobby');
    } else {
        ask(true);
    }
})(window.chat);
