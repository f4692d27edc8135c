// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

const $ = (id) => document.getElementById(id);
const words = (id) => $(id).value.split(',').map((word) => word.trim()).filter(Boolean);
const item = (text, className = '') => Object.assign(document.createElement('li'), { textContent: text, className });
const say = (text) => $('log').prepend(item(`${new Date().toLocaleTimeString()}  ${text}`));

function setup() {
    $('problem').textContent = '';
    try {
        pocket.socket.setup(words('addresses'), words('ports'), $('type').value, 'broadcast');
    } catch (error) {
        $('problem').textContent = error.message;
    }
    for (const type of ['mix', 'flat']) {
        try {
            $(type).replaceChildren(...pocket.socket.connection.list(type).toArray().map((each) => item(each)));
        } catch (error) { // `flat` wants as many ports as addresses.
            $(type).replaceChildren(item(error.message, 'problem'));
        }
    }
}

function showSockets() {
    $('sockets').replaceChildren(...pocket.socket.sockets.map(({ uri, connected, reconnecting, dead }) => {
        const state = connected ? 'open' : dead ? 'given up' : reconnecting ? 'tries again' : 'connecting';
        return item(`${uri}: ${state}`, connected ? 'open' : 'waiting');
    }));
}

pocket.socket
    .on('socket', (name, payload, socket) => {
        setTimeout(showSockets); // After the library has drawn its conclusions.
        if (['open', 'close', 'connected', 'disconnected', 'broadcast-all-connected'].includes(name)) {
            say(`${socket.uri}: ${name}${payload.port ? ` ${payload.address}:${payload.port}` : ''}`);
        }
    })
    .on('duplex', 'said', (event, { data }, socket) => say(`${socket.uri} says: ${data}`));

$('setup').addEventListener('input', setup);
$('setup').addEventListener('submit', (event) => {
    event.preventDefault();
    setup();
    pocket.socket.close();
    try {
        pocket.socket.connection.connect();
    } catch (error) {
        $('problem').textContent = error.message;
    }
    showSockets();
});
$('say').addEventListener('submit', (event) => {
    event.preventDefault();
    pocket.socket.signal('duplex', 'said', $('text').value, (name, receipt, socket) => say(`${socket.uri}: ${name}`));
    $('text').value = '';
});
setup();
