// The layout as the map uses it: numbering, names, hit tests, neighbours, the view.

import assert from "node:assert/strict";
import { test } from "node:test";

import { chord, clusters, convexHull, grow, inside } from "../map/geometry.js";
import { hitTest } from "../map/input.js";
import { SeatModel } from "../map/model.js";
import { SEAT_CLICK, View } from "../map/view.js";

const row = (name, y, count, level = 0, from = 0) => ({ name, seats: Array.from({ length: count }, (_, seat) => [String(seat + 1), level, from + seat * 20, y]) });

const layout = () => ({
  levels: [{ name: "I", color: "#aa0000" }, { name: "II", color: "#0000aa" }],
  sections: [
    { name: "A", rows: [row("1", 100, 10), row("2", 120, 10)] },
    { name: "B", rows: [row("1", 200, 5, 1, 400)] },
    { name: "C-1", rows: [{ name: "1", seats: [{ name: "7", level: 1, x: 600, y: 0, kind: "accessible" }] }] },
  ],
  areas: [{ name: "Floor", capacity: 100, level: 1, x: 100, y: 400 }],
  focal: [100, 0],
});

test("seats are numbered in layout order, from arrays and objects", () => {
  const model = new SeatModel(layout());
  assert.equal(model.count, 26);
  assert.deepEqual(model.place(10), { section: "A", row: "2", seat: "1" });
  assert.equal(model.label(25), "C-1-1-7");
  assert.deepEqual([model.kind[25], model.kind[0], model.level[20], model.pitch], [1, 0, 1, 20]);
  assert.deepEqual([model.find("B-1-5"), model.find(3), model.find("Z-1-1"), model.find(26)], [24, 3, -1, -1]);
});

test("the nearest seat within reach is hit, for every seat", () => {
  const model = new SeatModel(layout());
  for (let seat = 0; seat < model.count; seat++) assert.equal(model.seatAt(model.x[seat] + 4, model.y[seat] - 3, 8), seat);
  assert.equal(model.seatAt(90, 110, 5), -1);
  assert.equal(model.seatAt(-5000, 9000, 8), -1);
});

test("outlines hold their seats and nothing of their neighbours", () => {
  const model = new SeatModel(layout());
  for (let seat = 0; seat < model.count; seat++) assert.equal(model.sectionAt(model.x[seat], model.y[seat]), model.section[seat]);
  assert.equal(model.sectionAt(300, 300), -1);
  assert.equal(model.areaAt(110, 410), 0);
});

test("far away a click means the section, near by the seat", () => {
  const model = new SeatModel(layout());
  const view = new View(model.box, model.pitch);
  view.resize(120, 90);
  assert.ok(view.seatPixels < SEAT_CLICK);
  const [x, y] = view.toScreen(model.x[4], model.y[4]);
  assert.deepEqual(hitTest(model, view, x, y, 3), { kind: "section", section: 0 });
  view.zoom(40 / view.seatPixels, x, y);
  const near = view.toScreen(model.x[4], model.y[4]);
  assert.deepEqual(hitTest(model, view, near[0], near[1], 3), { kind: "seat", seat: 4 });
});

test("zooming keeps the point under the pointer", () => {
  const model = new SeatModel(layout());
  const view = new View(model.box, model.pitch);
  view.resize(800, 600);
  const before = view.toPlan(400, 300);
  view.zoom(1.5, 400, 300);
  const after = view.toPlan(400, 300);
  assert.ok(Math.hypot(after[0] - before[0], after[1] - before[1]) < 1e-6);
  view.zoom(1e9, 400, 300);
  assert.ok(view.seatPixels <= 44.001);
  view.pan(1e9, 1e9);
  const { x0, x1, y0, y1 } = view.visible();
  assert.ok(x1 > model.box.x0 && x0 < model.box.x1 && y1 > model.box.y0 && y0 < model.box.y1);
});

test("the next best seat is in the same row first, at the same price", () => {
  const model = new SeatModel(layout());
  assert.ok([3, 5].includes(model.nextBest(4, () => true)));
  assert.equal(model.nextBest(4, (seat) => seat >= 9 && seat < 20), 9);
  assert.equal(model.nextBest(4, (seat) => seat >= 10 && seat < 20), 14);
  assert.equal(model.nextBest(4, (seat) => seat >= 20), -1);
});

test("a section in two places has two outlines, and nothing between them", () => {
  const plan = layout();
  plan.sections[1].rows.push(row("2", 200, 5, 1, 2000));
  const model = new SeatModel(plan);
  assert.equal(model.sections[1].hulls.length, 2);
  assert.equal(model.sectionAt(1200, 200), -1);
  assert.equal(model.sectionAt(2040, 200), 1);
  assert.deepEqual(clusters([[0, 0], [1, 0], [50, 0]], 5).map((part) => part.length), [2, 1]);
});

test("an area never covers a seat", () => {
  const plan = layout();
  plan.areas.push({ name: "Front", capacity: 90_000, level: 0, x: 100, y: 160 });
  const model = new SeatModel(plan);
  for (let seat = 0; seat < model.count; seat++) assert.equal(model.areaAt(model.x[seat], model.y[seat]), -1);
});

test("outlines: hull, growth, containment, chord", () => {
  const square = convexHull([[0, 0], [10, 0], [10, 10], [0, 10], [5, 5], [5, 0]]);
  assert.equal(square.length, 4);
  assert.ok(inside(square, 5, 5) && !inside(square, 11, 5));
  assert.deepEqual([chord(square, 5, 1), chord(square, 5, 0)], [10, 10]);
  const grown = grow([[0, 0]], 2);
  assert.ok(inside(grown, 1, 1) && !inside(grown, 2.1, 2.1));
});
