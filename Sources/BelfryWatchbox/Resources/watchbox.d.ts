// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

// What watchbox.js defines: a global, as a <script> gives it.

declare namespace watchbox {
    /**
     * What the server said: `wb21` a published message was taken, `wb22` the server took a sent one, `wb23` it has
     * nobody who listens, `wb24` it refuses, `wb31` joined, `wb41` not registered, in spite of a new registration.
     */
    type Code = 'wb21' | 'wb22' | 'wb23' | 'wb24' | 'wb31' | 'wb41';

    /** Any JSON value; `undefined`, functions, symbols, BigInts and cycles are refused. */
    type Value = unknown;

    /** The next message of the group waits for the promise, if it returns one. */
    type Callback = (value: any) => void | PromiseLike<void>;
    type Listener = () => void | PromiseLike<void>;

    interface Options {
        /** `http://host:port` of the server; left out: where the page came from. Another origin needs CORS there. */
        url?: string;
        /** Milliseconds between two gets (100), with a server that does not let them wait. */
        dtime?: number;
        /** What goes to the console and to the server's log: 1 errors, 2 connections, 3 messages too (3); 0 nothing. */
        logLevel?: number;
        /** The connection was lost: once for each outage. */
        disconnect?: Listener;
        /** It is back: not called for the first one. Groups are joined again by themselves. */
        reconnect?: Listener;
        /** Messages of a group are missing after an outage, so many; undefined if nobody knows. */
        gap?: (group: string, lost: number | undefined) => void;
        /** Milliseconds that a get may wait for messages (8000), below the server's timeout. 0: as the original. */
        wait?: number;
        /** Messages in one answer at most, and messages that wait for a callback before no more are fetched (50). */
        batch?: number;
        /** Milliseconds between signs of life of a page that has nothing to ask for (3000). */
        keepAlive?: number;
        /** Milliseconds between two attempts to register, a quarter more or less (1000). */
        retry?: number;
        /** What may wait to be sent: 1000 messages, 1048576 bytes as encoded. */
        queue?: { messages?: number; bytes?: number };
    }

    /**
     * Connects, and stays connected: call it once, before all else. A second call is an error on the console.
     *
     * A number in second place is the log level.
     * @throws TypeError for options that are none.
     */
    function init(dtime?: number, disconnect?: Listener, reconnect?: Listener): void;
    function init(
        dtime: number | undefined, logLevel: number | undefined, disconnect?: Listener, reconnect?: Listener
    ): void;
    function init(options: Options): void;

    /**
     * Calls back with each message to the group: one at a time, in order, each callback of the group in turn.
     *
     * `onjoin` is called when the server has confirmed, once; that is also when the promise is fulfilled. Replies of
     * the server come in the group `server`.
     */
    function join(group: string, callback: Callback, onjoin?: Listener): Promise<'wb31'>;

    /**
     * Takes back what `join` did: this callback, or all of the group. The server goes on queueing for this page, as
     * the wire knows no leaving; what it has queued comes if the page joins again.
     */
    function leave(group: string, callback?: Callback): void;

    /**
     * Sends to all members of the group, in order. Before the connection is there it waits.
     *
     * The promise is fulfilled with what the server said, and rejected, with an error on the console, if the message
     * is refused here (no JSON, too many waiting, the group `server`, before `init`), or nobody knows if it arrived.
     * It is sent again only if the server did not know this page.
     */
    function publish(message: Value, group: string): Promise<Code>;

    /** Sends to the server itself; as `publish` otherwise. */
    function send(message: Value): Promise<Code>;
}
