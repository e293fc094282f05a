// Requests that survive lost answers, and messages a person can act on.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Api, ApiError, backoff, explain, newKey } from "../api.js";

/** An API whose answers are scripted: a status with a body, or an error to throw. */
function scripted(...answers) {
  const calls = [];
  const fetch = async (path, init) => {
    calls.push({ path, ...init });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    const [status, body, headers] = answer;
    return new Response(body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body), { status, headers });
  };
  const api = new Api({ fetch, sleep: async () => {}, attempts: 4 });
  return { api, calls };
}

test("an unknown outcome is repeated with the same key and body", async () => {
  const { api, calls } = scripted(new TypeError("lost"), [504, { code: "outcome_unknown" }], [503, { code: "no_quorum" }], [201, { id: "hld_1" }]);
  const answer = await api.post("/event/e/hold", { seats: [1] });
  assert.deepEqual([answer.id, answer.$status], ["hld_1", 201]);
  assert.equal(new Set(calls.map((call) => call.headers["Idempotency-Key"])).size, 1);
  assert.equal(new Set(calls.map((call) => call.body)).size, 1);
});

test("a definite refusal is not repeated", async () => {
  const { api, calls } = scripted([409, { code: "seat_unavailable", conflicts: [{ index: 3 }] }]);
  const error = await api.post("/x", {}).catch((caught) => caught);
  assert.ok(error instanceof ApiError);
  assert.deepEqual([error.code, error.unknown, error.problem.conflicts[0].index, calls.length], ["seat_unavailable", false, 3, 1]);
});

test("when attempts run out the error says whether it may have happened", async () => {
  const lost = [...Array(4)].map(() => new TypeError("lost"));
  assert.equal((await scripted(...lost).api.post("/x", {}).catch((caught) => caught)).unknown, true);
  const busy = [...Array(4)].map(() => [503, { code: "overloaded" }]);
  assert.equal((await scripted(...busy).api.post("/x", {}).catch((caught) => caught)).unknown, false);
  assert.equal((await scripted([500, "<html>"]).api.post("/x", {}).catch((caught) => caught)).unknown, true);
  assert.equal((await scripted(...lost).api.get("/x").catch((caught) => caught)).unknown, false);
});

test("an expired token is renewed once", async () => {
  const { api, calls } = scripted([401, {}], [200, { ok: true }]);
  api.token = "old";
  api.renew = async () => ((api.token = null), true);
  assert.equal((await api.get("/user")).ok, true);
  assert.deepEqual([calls[0].headers.Authorization, calls[1].headers.Authorization], ["Bearer old", undefined]);
  const refused = scripted([401, { code: "unauthenticated" }], [401, { code: "unauthenticated" }]);
  let asked = 0;
  refused.api.renew = async () => ++asked > 0;
  assert.equal((await refused.api.get("/user").catch((caught) => caught)).status, 401);
  assert.deepEqual([asked, refused.calls.length], [1, 2]);
  const wrong = scripted([401, { code: "bad_credentials" }]);
  wrong.api.renew = async () => assert.fail("a wrong password is not a stale token");
  assert.equal((await wrong.api.post("/user/password", {}).catch((caught) => caught)).code, "bad_credentials");
});

test("problems become sentences", () => {
  assert.match(explain(402, { code: "payment_declined" }), /still held/);
  assert.equal(explain(422, { code: "validation_failed", errors: [{ detail: "too short" }] }), "too short");
  assert.match(explain(409, { code: "limit_reached", limit: 6, have: 6 }), /6 tickets/);
  assert.equal(explain(418, { code: "new_code", detail: "Because." }), "Because.");
  assert.match(explain(502, {}), /try again/i);
});

test("waiting follows the server's wish within bounds", () => {
  assert.equal(backoff(0, "2", () => 0), 2000);
  assert.equal(backoff(0, "3600", () => 0), 5000);
  assert.ok(backoff(20, null, () => 1) <= 3000);
  assert.notEqual(newKey(), newKey());
  assert.match(newKey(), /^[0-9a-f]{32}$/);
});
