// The socket's rule: what may be applied, what must be asked for again, and how to come back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { judge, LiveSeats, reconnectDelay } from "../live.js";

test("a delta is applied only without a gap", () => {
  assert.equal(judge(100, { type: "delta", prev: 100, rev: 105 }), "apply");
  assert.equal(judge(100, { type: "delta", prev: 90, rev: 105 }), "apply");
  assert.equal(judge(100, { type: "delta", prev: 90, rev: 100 }), "skip");
  assert.equal(judge(100, { type: "delta", prev: 101, rev: 105 }), "ask");
  assert.equal(judge(100, { type: "snapshot", rev: 100 }), "snapshot");
  assert.equal(judge(100, { type: "snapshot", rev: 99 }), "skip");
  assert.equal(judge(100, { type: "resync" }), "resync");
  assert.equal(judge(100, { type: "something-new" }), "other");
});

/** A connection whose socket and clock are in the test's hands. */
function connect(start = 0) {
  const state = { rev: start, sent: [], applied: [], waits: [], sockets: [], statuses: [] };
  const handlers = {
    rev: () => state.rev,
    snapshot: (message) => ((state.rev = message.rev), state.applied.push(`snapshot ${message.rev}`)),
    delta: (message) => ((state.rev = message.rev), state.applied.push(`delta ${message.rev}`)),
    status: (status) => state.statuses.push(status),
  };
  const open = () => {
    const socket = { send: (text) => state.sent.push(JSON.parse(text)), close: () => {} };
    state.sockets.push(socket);
    return socket;
  };
  state.live = new LiveSeats("evt_x", handlers, { open, later: (run, ms) => state.waits.push({ run, ms }) });
  state.give = (message) => state.sockets.at(-1).onmessage({ data: JSON.stringify(message) });
  return state;
}

test("a gap is asked for once as a delta, then as a snapshot", () => {
  const state = connect(100);
  state.sockets[0].onopen();
  state.give({ type: "delta", prev: 100, rev: 101 });
  state.give({ type: "delta", prev: 103, rev: 104 });
  state.give({ type: "delta", prev: 104, rev: 105 });
  state.give({ type: "snapshot", rev: 105 });
  state.give({ type: "delta", prev: 105, rev: 106 });
  assert.deepEqual(state.sent, [{ type: "subscribe", since: 100 }, { type: "subscribe", since: 101 }, { type: "subscribe" }]);
  assert.deepEqual(state.applied, ["delta 101", "snapshot 105", "delta 106"]);
});

test("after a resync the next snapshot is taken, whatever came before", () => {
  const state = connect(100);
  state.sockets[0].onopen();
  assert.equal(state.statuses.at(-1), "live", "nothing need arrive when nothing has changed");
  state.give({ type: "resync" });
  state.give({ type: "delta", prev: 120, rev: 121 });
  state.give({ type: "snapshot", rev: 98 });
  state.give({ type: "delta", prev: 98, rev: 99 });
  state.give({ type: "snapshot", rev: 90 });
  assert.deepEqual(state.applied, ["snapshot 98", "delta 99"]);
  assert.equal(state.sent.length, 1, "the server sends the snapshot unasked");
});

test("a lost connection comes back where it was, later and later", () => {
  const state = connect(7);
  state.sockets[0].onopen();
  state.sockets[0].onclose({ code: 1006 });
  state.waits[0].run();
  state.sockets[1].onclose({ code: 1006 });
  assert.equal(state.sockets.length, 2);
  assert.ok(state.waits[1].ms >= 500 && state.waits[0].ms <= 500);
  state.waits[1].run();
  state.sockets[2].onopen();
  assert.deepEqual(state.sent.at(-1), { type: "subscribe", since: 7 });
});

test("a node that goes away says when to come back; some ends are final", () => {
  const state = connect();
  state.give({ type: "bye", reason: "draining", reconnect_ms: [500, 600] });
  state.sockets[0].onclose({ code: 1012 });
  assert.ok(state.waits[0].ms >= 500 && state.waits[0].ms <= 600);
  state.waits[0].run();
  state.sockets[1].onclose({ code: 4404 });
  assert.equal(state.waits.length, 1);
  assert.equal(state.statuses.at(-1), "lost");
});

test("delays double with jitter and are bounded", () => {
  assert.deepEqual([reconnectDelay(0, () => 0), reconnectDelay(0, () => 1), reconnectDelay(3, () => 0), reconnectDelay(30, () => 1)], [250, 500, 2000, 10_000]);
});
