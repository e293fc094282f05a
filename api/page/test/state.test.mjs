// The packed seat states and what deltas do to them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeStates, SeatStates, stateNumber } from "../map/state.js";

test("two bits a seat, lowest bits first", () => {
  const packed = Buffer.from([0b11_10_01_00, 0b00_00_00_10]).toString("base64");
  assert.deepEqual([...decodeStates(packed, 5)], [0, 1, 2, 3, 2]);
  assert.deepEqual([...decodeStates(Buffer.from([0xff, 0xfe]).toString("base64url"), 5)], [3, 3, 3, 3, 2]);
});

test("too few bytes are refused, not read past the end", () => {
  assert.throws(() => decodeStates(Buffer.from([0]).toString("base64"), 5), RangeError);
});

test("free counts follow every change", () => {
  const seats = new SeatStates(Uint16Array.of(0, 0, 0, 1, 1), 2);
  assert.equal(seats.totalFree(), 0);
  assert.deepEqual(seats.replace(Uint8Array.of(0, 0, 2, 0, 1), 10), [0, 1, 2, 3, 4]);
  assert.deepEqual([[...seats.free], seats.rev], [[2, 1], 10]);
  assert.deepEqual(seats.apply([[0, 1], [1, 0], [4, 0]], 12), [0, 4]);
  assert.deepEqual([[...seats.free], seats.rev], [[1, 2], 12]);
  assert.deepEqual(seats.replace(Uint8Array.of(1, 0, 2, 0, 2), 13), [4]);
  assert.deepEqual([...seats.free], [1, 1]);
});

test("seats that the layout does not have are ignored", () => {
  const seats = new SeatStates(Uint16Array.of(0), 1);
  seats.replace(Uint8Array.of(0), 1);
  assert.deepEqual(seats.apply([[7, 2], [-1, 2]], 2), []);
  assert.equal(seats.totalFree(), 1);
});

test("deltas on a snapshot give the later snapshot", () => {
  let random = 42;
  const next = (below) => {
    random = (random * 1103515245 + 12345) & 0x7fffffff;
    return random % below;
  };
  const sections = Uint16Array.from({ length: 300 }, (_, seat) => Math.floor(seat / 50));
  const truth = Uint8Array.from(sections, () => next(4));
  const seats = new SeatStates(sections, 6);
  seats.replace(truth.slice(), 1);
  for (let rev = 2; rev < 200; rev++) {
    const set = Array.from({ length: next(9) }, () => [next(300), next(4)]);
    for (const [seat, state] of set) truth[seat] = state;
    seats.apply(set, rev);
  }
  assert.deepEqual(seats.states, truth);
  const free = Array.from({ length: 6 }, (_, section) => truth.filter((state, seat) => state === 0 && sections[seat] === section).length);
  assert.deepEqual([...seats.free], free);
});

test("states come as numbers or words", () => {
  assert.deepEqual(["available", "held", "sold", "blocked", "?"].map(stateNumber), [0, 1, 2, 3, 3]);
  assert.equal(stateNumber(2), 2);
});
