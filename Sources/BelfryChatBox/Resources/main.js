// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

"use strict";

(() => {
    /** Lines that the list keeps; the oldest go. */
    const MAX_LINES = 1000;
    const FIRST_PAUSE = 500;
    const LONGEST_PAUSE = 30000;
    /** A connection that stood so long was a good one: the next pause is short again. */
    const GOOD_AFTER = 5000;

    const list = document.getElementById("message-list");
    const field = document.getElementById("message-content");
    const button = document.getElementById("send-button");
    const state = document.getElementById("connection-state");

    let socket = null;
    let pause = FIRST_PAUSE;
    let timer = 0;

    function show(author, content) {
        const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 48;
        const line = document.createElement("li");
        if (author === "system") {
            line.className = "system";
            line.textContent = content;
        } else {
            const bubble = document.createElement("span");
            bubble.className = "bubble";
            // As text: what people write is never markup.
            bubble.textContent = content;
            bubble.dir = "auto";
            bubble.title = author;
            line.className = author === "you" ? "you" : "other";
            line.append(bubble);
        }
        list.append(line);
        while (list.childElementCount > MAX_LINES) list.firstElementChild.remove();
        if (atEnd || author === "you") list.scrollTop = list.scrollHeight;
    }

    function setState(name, text) {
        state.dataset.state = name;
        state.textContent = text;
        button.disabled = name !== "open";
    }

    /** The visitor's id: the cookie, or one for this visit where cookies are off. */
    function readToken() {
        show("system", "reading cookie...");
        for (const cookie of document.cookie.split(";")) {
            const [name, value] = cookie.trim().split("=");
            if (name === "token" && value) return value;
        }
        const bytes = crypto.getRandomValues(new Uint8Array(16));
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        const digits = Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
        return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    }

    const token = readToken();
    show("system", "your id: " + token);

    function address() {
        const url = new URL("ws/" + encodeURIComponent(token), location.href);
        url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
        url.search = url.hash = "";
        return url.href;
    }

    function connect() {
        clearTimeout(timer);
        timer = 0;
        if (socket) return;
        show("system", "connecting...");
        setState("connecting", "Connecting…");
        const own = socket = new WebSocket(address());
        let openedAt = 0;
        own.onopen = () => {
            openedAt = Date.now();
            show("system", "connection success");
            setState("open", "Connected");
        };
        own.onmessage = event => {
            let message;
            try {
                message = JSON.parse(event.data);
            } catch {
                return;
            }
            // The name is spelled so on the wire.
            if (message !== null && typeof message === "object") show(String(message.auther), String(message.content));
        };
        own.onerror = () => show("system", "connection error");
        own.onclose = () => {
            if (socket !== own) return;
            socket = null;
            if (openedAt && Date.now() - openedAt > GOOD_AFTER) pause = FIRST_PAUSE;
            // Spread, so that all pages do not come back at once.
            const wait = pause * (0.5 + Math.random() / 2);
            pause = Math.min(pause * 2, LONGEST_PAUSE);
            show("system", "connection closed");
            setState("closed", "Not connected; trying again…");
            timer = setTimeout(connect, wait);
        };
    }

    document.getElementById("message-form").addEventListener("submit", event => {
        event.preventDefault();
        if (!field.value || !socket || socket.readyState !== WebSocket.OPEN) return;
        socket.send(field.value);
        field.value = "";
        field.focus();
    });
    addEventListener("online", () => { if (!socket) connect(); });
    addEventListener("pageshow", event => { if (event.persisted && !socket) connect(); });
    connect();
})();
