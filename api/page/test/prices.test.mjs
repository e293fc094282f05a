// Prices that move under the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Prices } from "../prices.js";

const line = (level, amount) => ({ level, name: `L${level}`, price: { amount, currency: "EUR" } });

test("a snapshot brings all prices, a delta the changes in their order", () => {
  const prices = new Prices([line(0, 5000), line(1, 3000)]);
  assert.deepEqual(prices.take({ 0: 5000, 1: 3000 }), []);
  const repriced = (amount, from, version) => ({ level: 0, amount, from, version, cause: "demand" });
  assert.deepEqual(prices.take([repriced(5200, 5000, 1), repriced(5400, 5200, 2)]), [{ level: 0, from: 5000, amount: 5400 }]);
  assert.deepEqual(prices.of(0), { amount: 5400, currency: "EUR" });
  assert.deepEqual(prices.take({ 1: 2900, 9: 1 }), [{ level: 1, from: 3000, amount: 2900 }]);
  assert.deepEqual(prices.take(undefined), []);
});

test("a total is that of the moment", () => {
  const prices = new Prices([line(0, 5000), line(1, 3000)]);
  const model = { level: [0, 1, 0], areas: [{ level: 1 }] };
  assert.equal(prices.total(model, [0, 1], new Map([[0, 2]])).amount, 14_000);
  prices.take([{ level: 1, amount: 2500, from: 3000, version: 1, cause: "policy" }]);
  assert.equal(prices.total(model, [0, 1], new Map([[0, 2]])).amount, 12_500);
});
