// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// One group at a time: what is published in it is shown. A message is {id, name, text}; the page shows its own at once,
// and not again should the server send them back.
'use strict';

const MAX_SHOWN = 500;
const element = (id) => document.getElementById(id);
const own = new Set();
let group;

function show(kind, text, head) {
    const item = document.createElement('li');
    item.className = kind;
    for (const [name, content] of [['head', head], [kind === 'note' ? 'line' : 'text', text]]) {
        if (content === undefined) continue;
        const part = document.createElement('span');
        part.className = name;
        part.textContent = content;
        item.append(part);
    }
    const log = element('log');
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    log.append(item);
    while (log.children.length > MAX_SHOWN) log.firstChild.remove();
    if (isAtEnd || kind === 'own') log.scrollTop = log.scrollHeight;
    return item;
}

const time = () => new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

function state(isOpen, text) {
    element('status').dataset.state = isOpen ? 'open' : 'waiting';
    element('status').textContent = text;
}

/** Anybody may publish anything into a group. */
function receive(message) {
    const { id, name, text } = typeof message === 'object' && message !== null ? message : { text: message };
    if (own.delete(id)) return;
    const from = typeof name === 'string' && name ? name : 'Somebody';
    show('other', typeof text === 'string' ? text : JSON.stringify(message), `${from}, ${time()}`);
}

function join(name) {
    if (name === group) return;
    if (group !== undefined) {
        watchbox.leave(group);
        element('log').replaceChildren();
        state(false, `joining ${name}…`);
    }
    group = name;
    element('group').value = name;
    watchbox.join(name, receive, () => state(true, `in ${name}`)).catch(({ message }) => show('note', message));
}

element('place').addEventListener('submit', (event) => {
    event.preventDefault();
    const name = element('group').value.trim();
    if (!name) return;
    history.replaceState(null, '', `#${encodeURIComponent(name)}`);
    join(name);
    element('text').focus();
});

element('say').addEventListener('submit', (event) => {
    event.preventDefault();
    const text = element('text').value.trim();
    if (!text) return;
    element('text').value = '';
    const name = element('name').value.trim() || 'Somebody';
    const id = Array.from(crypto.getRandomValues(new Uint32Array(2)), (part) => part.toString(36)).join('');
    own.add(id);
    const item = show('own', text, time());
    const failed = (why) => {
        item.classList.add('failed');
        item.firstChild.textContent = `not sent: ${why}`;
    };
    watchbox.publish({ id, name, text }, group).then((code) => {
        if (code !== 'wb21') failed(code);
    }, ({ message }) => failed(message));
});

function place() {
    try {
        return decodeURIComponent(location.hash.slice(1)) || 'lobby';
    } catch {
        return 'lobby';
    }
}

addEventListener('hashchange', () => join(place()));

watchbox.init({
    logLevel: 1,
    disconnect: () => state(false, 'the connection was lost; trying again…'),
    reconnect: () => state(true, `in ${group}`),
});
join(place());
