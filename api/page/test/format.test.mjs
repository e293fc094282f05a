// How amounts, dates and the countdown are written.

import assert from "node:assert/strict";
import { test } from "node:test";

import { announcement, countdown, dateParts, money, pictureOf, placeText, plural, saleText } from "../format.js";

test("amounts follow the currency's own digits", () => {
  assert.equal(money({ amount: 12500, currency: "EUR" }), "€125");
  assert.equal(money({ amount: 1250, currency: "EUR" }), "€12.50");
  assert.equal(money({ amount: 1250, currency: "JPY" }), "¥1,250");
  assert.equal(money({ amount: 1, currency: "USD" }), "$0.01");
  assert.equal(money({ amount: 0, currency: "USD" }), "Free");
  assert.equal(money(null), "");
});

test("a moment is shown in the venue's time zone", () => {
  const at = "2026-07-19T19:00:00Z";
  assert.deepEqual([dateParts(at, "America/New_York").time, dateParts(at, "Asia/Tokyo").time], ["15:00", "04:00"]);
  assert.equal(dateParts(at, "Asia/Tokyo").day, "20");
  assert.equal(dateParts(at, "Nowhere/Land").time, "19:00");
  assert.equal(dateParts("soon").long, "date to be announced");
});

test("the countdown never goes below zero and rounds up", () => {
  assert.equal(countdown(60_000, 0).text, "1:00");
  assert.equal(countdown(60_000, 1).text, "1:00");
  assert.equal(countdown(60_000, 55_001).text, "0:05");
  assert.deepEqual([countdown(60_000, 60_000).over, countdown(60_000, 90_000).seconds], [true, 0]);
  assert.equal(countdown(61_000, 0).spoken, "1 minute 1 second");
});

test("each mark of the countdown is announced once", () => {
  const said = [];
  for (let left = 310; left > 0; left--) {
    const mark = announcement(left, left - 1);
    if (mark !== null) said.push(mark);
  }
  assert.deepEqual(said, [300, 60, 15]);
  assert.equal(announcement(Infinity, 480), null);
});

test("sales are described by what a person can do", () => {
  assert.equal(saleText({ state: "on_sale", available: 5, capacity: 100 }).text, "Only 5 left");
  assert.equal(saleText({ state: "on_sale", available: 5000, capacity: 8000 }).text, "5,000 available");
  assert.equal(saleText({ state: "on_sale", available: 0, capacity: 100 }).text, "Sold out");
  assert.equal(saleText({ state: "paused", available: 9, capacity: 100 }).tone, "wait");
  assert.equal(saleText(null).text, "Not on sale yet");
});

test("places and counts read well", () => {
  assert.equal(placeText({ section: "112", row: "B", seat: "12" }), "112 · row B · seat 12");
  assert.equal(placeText({ section: "Floor" }), "Floor");
  assert.deepEqual([plural(1, "seat"), plural(1200, "seat")], ["1 seat", "1,200 seats"]);
});

test("an event without an image shows its poster", () => {
  assert.equal(pictureOf({ images: [], poster: "/event/evt_1/poster.svg" }, 320), "/event/evt_1/poster.svg");
  assert.equal(pictureOf({ images: [{ url: "https://cdn.example/media/img_1" }], poster: "/p.svg" }, 640), "https://cdn.example/media/img_1?width=640");
});
