import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../api.js";
import { Session } from "../session.js";

/** A session over an api that answers from a list, and what it was asked. */
function scripted(...answers) {
  const stored = new Map([["boxoffice.known", "1"]]);
  globalThis.localStorage = { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value), removeItem: (key) => stored.delete(key) };
  const asked = [];
  const api = {
    token: "old",
    request: async (method, path) => {
      asked.push(`${method} ${path} ${api.token}`);
      const next = answers.shift();
      if (next instanceof Error) throw next;
      return next;
    },
  };
  return { session: new Session(api), api, asked, stored };
}

test("a reload goes on with the cookie, without the token that is over", async () => {
  const { session, api, asked } = scripted({ access_token: "new", user: { id: "usr_1" } });
  await session.restore();
  assert.deepEqual([asked, api.token, session.user.id], [["POST /session/refresh null"], "new", "usr_1"]);
});

test("those who wait for a new token share one exchange", async () => {
  const { session, asked } = scripted({ access_token: "new", user: { id: "usr_1" } });
  assert.deepEqual(await Promise.all([session.renew(), session.renew(), session.renew()]), [true, true, true]);
  assert.equal(asked.length, 1);
});

test("a session that is over is forgotten, a lost answer is not", async () => {
  const over = scripted(new ApiError("over", { status: 401 }));
  assert.equal(await over.session.renew(), false);
  assert.equal(over.stored.has("boxoffice.known"), false);
  const lost = scripted(new ApiError("lost", { status: 0 }));
  assert.equal(await lost.session.renew(), false);
  assert.equal(lost.stored.has("boxoffice.known"), true);
});
