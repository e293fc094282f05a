// Choosing, holding and paying, without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../api.js";
import { Checkout } from "../checkout.js";
import { SeatModel } from "../map/model.js";
import { SeatStates } from "../map/state.js";

const seatsOf = (count) => Array.from({ length: count }, (_, seat) => [String(seat + 1), 0, seat * 20, 0]);
const layout = { levels: [{ name: "I", color: "#000000" }], sections: [{ name: "A", rows: [{ name: "1", seats: seatsOf(10) }] }], areas: [] };
const held = (state = "active") => ({ id: "hld_1", state, seats: [{ index: 2, seat: "A-1-3" }, { index: 3, seat: "A-1-4" }], total: { amount: 200, currency: "EUR" }, expires_at: "2030-01-01T00:00:00Z" });

/** A checkout whose server answers are scripted; errors are thrown. */
function begin(...answers) {
  const model = new SeatModel(layout);
  const seats = new SeatStates(model.section, 1);
  seats.replace(new Uint8Array(10), 1);
  const calls = [];
  const answer = async (method, path, body, key) => {
    calls.push({ method, path, body, key });
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  };
  const api = {
    get: (path) => answer("GET", path),
    post: (path, body, { key }) => answer("POST", path, body, key),
    request: (method, path) => answer(method, path),
    sleep: async () => {},
  };
  const kept = new Map();
  const store = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
  const make = () => new Checkout(/** @type {any} */ (api), "evt_1", model, seats, store);
  return { checkout: make(), make, seats, calls, kept };
}

const problem = (status, code, extra = {}) => new ApiError(code, { status, code, problem: extra, unknown: status === 504 });

test("choose, hold, pay", async () => {
  const { checkout, calls, kept } = begin(held(), { id: "ord_1", receipt: 1, $status: 200 });
  checkout.toggle(3);
  checkout.toggle(2);
  await checkout.holdChosen({ amount: 200, currency: "EUR" });
  assert.deepEqual([checkout.phase, checkout.heldSeats(), kept.size], ["held", [2, 3], 1]);
  assert.deepEqual(calls[0].body, { seats: [2, 3], expect_total: { amount: 200, currency: "EUR" } });
  await checkout.pay("pm_test_ok");
  assert.deepEqual([checkout.phase, checkout.order.id, kept.size, checkout.chosen.size], ["done", "ord_1", 0, 0]);
});

test("a promo code goes with the hold, and only with that one", async () => {
  const { checkout, calls } = begin(problem(422, "promo_refused"), held(), held());
  checkout.toggle(2);
  checkout.promo = " SUMMER ";
  await checkout.holdChosen();
  assert.deepEqual([checkout.phase, checkout.promo, [...checkout.chosen]], ["choosing", " SUMMER ", [2]]);
  await checkout.holdChosen();
  assert.deepEqual([calls[0].body, calls[1].body, checkout.promo], [{ seats: [2], promo: "SUMMER" }, { seats: [2], promo: "SUMMER" }, ""]);
  assert.notEqual(calls[0].key, calls[1].key);
});

test("taken seats leave the choice, the others stay, and there is an offer", async () => {
  const { checkout, seats } = begin();
  const offers = [];
  checkout.conflicted = (conflicts, alternative) => offers.push([conflicts, alternative]);
  checkout.toggle(2);
  checkout.toggle(3);
  seats.apply([[3, 1], [4, 2]], 2);
  checkout.sawChanges([3, 4]);
  assert.deepEqual([...checkout.chosen], [2]);
  assert.ok(!offers[0][1].seats.includes(3) && offers[0][1].seats.includes(2) && offers[0][1].seats.length === 2);
  assert.equal(checkout.toggle(4), false);
});

test("a refused hold names the seats and the server's alternative", async () => {
  const refusal = problem(409, "seat_unavailable", {
    conflicts: [{ index: 3, seat: "A-1-4", state: "sold" }],
    alternatives: [{ seats: [{ index: 5 }, { seat: "A-1-7" }], total: { amount: 200, currency: "EUR" } }],
  });
  const { checkout } = begin(refusal);
  const offers = [];
  checkout.conflicted = (conflicts, alternative) => offers.push({ conflicts, alternative });
  checkout.toggle(2);
  checkout.toggle(3);
  await checkout.holdChosen();
  assert.deepEqual([checkout.phase, [...checkout.chosen], offers[0].alternative.seats], ["choosing", [2], [5, 6]]);
  checkout.take(offers[0].alternative);
  assert.deepEqual([...checkout.chosen], [5, 6]);
});

test("a declined card keeps the hold; the next attempt has a new key", async () => {
  const { checkout, calls } = begin(held(), problem(402, "payment_declined"), { id: "ord_1", $status: 200 });
  await checkout.holdBest(2);
  await checkout.pay("pm_test_declined");
  assert.deepEqual([checkout.phase, checkout.hold.id, checkout.notice], ["held", "hld_1", "payment_declined"]);
  await checkout.pay("pm_test_ok");
  assert.equal(checkout.phase, "done");
  assert.notEqual(calls[1].key, calls[2].key);
});

test("an unknown outcome keeps its key, also over a reload", async () => {
  const { checkout, make, calls } = begin(held(), problem(504, "outcome_unknown"), held(), { id: "ord_1", $status: 200 });
  await checkout.holdBest(2);
  await checkout.pay("pm_test_ok");
  assert.equal(checkout.phase, "held");
  const again = make();
  await again.restore();
  await again.pay("pm_test_ok");
  assert.deepEqual([again.phase, calls[1].key === calls[3].key], ["done", true]);
});

test("a payment that is under way is waited for", async () => {
  const { checkout, calls } = begin(held(), { ...held("paying"), $status: 202 }, held("paying"), held("converted"));
  await checkout.holdBest(2);
  await checkout.pay("pm_test_ok");
  for (let turn = 0; turn < 20 && checkout.phase !== "done"; turn++) await new Promise((done) => setImmediate(done));
  assert.deepEqual([checkout.phase, calls.length], ["done", 4]);
});

test("nobody chooses more than one person may have", () => {
  const { checkout } = begin();
  checkout.limit = 2;
  assert.deepEqual([1, 2, 3].map((seat) => checkout.toggle(seat)), [true, true, false]);
  assert.match(checkout.notice, /2 tickets/);
  assert.ok(checkout.toggle(1));
  assert.deepEqual([...checkout.chosen], [2]);
});

test("a hold that ran out gives the choice back", async () => {
  const { checkout, kept } = begin(held(), problem(410, "hold_expired"));
  await checkout.holdBest(2);
  await checkout.pay("pm_test_ok");
  assert.deepEqual([checkout.phase, checkout.hold, kept.size], ["choosing", null, 0]);
  const late = begin(held());
  await late.checkout.holdBest(2);
  late.checkout.expired();
  assert.deepEqual([late.checkout.phase, late.kept.size], ["choosing", 0]);
});

test("a bank that wants a confirmation is named until it has one", async () => {
  const url = "https://bank.example/1";
  const { checkout, calls } = begin(held(), { ...held("paying"), next_action: { url }, $status: 202 }, { ...held("paying"), next_action: { url } }, { ...held("converted"), order: "ord_1" });
  await checkout.holdBest(2);
  assert.equal(checkout.bankPage(), null);
  const seen = [];
  checkout.changed = () => seen.push(checkout.bankPage());
  await checkout.pay("pm_test_3ds");
  while (checkout.phase === "pending") await new Promise((done) => setTimeout(done));
  assert.ok(seen.includes(url), `${seen}`);
  assert.deepEqual([checkout.phase, checkout.order.id, calls.length], ["done", "ord_1", 4]);
});

test("only a web page is a bank's page", async () => {
  const { checkout } = begin(held(), { ...held("paying"), next_action: { url: "javascript:alert(1)" }, $status: 202 }, { ...held("converted"), order: "ord_1" });
  await checkout.holdBest(2);
  const seen = [];
  checkout.changed = () => seen.push(checkout.bankPage());
  await checkout.pay("pm_test_3ds");
  while (checkout.phase === "pending") await new Promise((done) => setTimeout(done));
  assert.ok(seen.every((one) => one === null), `${seen}`);
});
