// Pointer, wheel and keys on the map, turned into moves of the view and clicks on seats and sections.

import { stillness } from "../dom.js";
import { SEAT_CLICK } from "./view.js";

/** A press that moves further than this many pixels is a drag. */
const DRAG = 6;

/**
 * @typedef {{kind: "seat", seat: number} | {kind: "section", section: number} | {kind: "area", area: number} | {kind: "none"}} Hit
 * @typedef {{click: (hit: Hit) => void, hover: (hit: Hit, x: number, y: number) => void}} Listener
 */

/**
 * What is under a screen point. Pure.
 * @param {import("./model.js").SeatModel} model
 * @param {import("./view.js").View} view
 * @param {number} sx
 * @param {number} sy
 * @param {number} slack how far beside a seat still counts, in pixels
 * @returns {Hit}
 */
export function hitTest(model, view, sx, sy, slack) {
  const [x, y] = view.toPlan(sx, sy);
  if (view.seatPixels >= SEAT_CLICK) {
    const seat = model.seatAt(x, y, Math.max(model.pitch * 0.55, Math.min(slack / view.scale, model.pitch)));
    if (seat >= 0) return { kind: "seat", seat };
  }
  const area = model.areaAt(x, y);
  if (area >= 0) return { kind: "area", area };
  const section = model.sectionAt(x, y);
  return section >= 0 ? { kind: "section", section } : { kind: "none" };
}

/** Watches a canvas. */
export class MapInput {
  /**
   * @param {import("./render.js").SeatMap} map
   * @param {Listener} listener
   */
  constructor(map, listener) {
    this.map = map;
    this.view = map.view;
    this.listener = listener;
    /** @type {Map<number, {x: number, y: number}>} */
    this.pointers = new Map();
    this.moved = false;
    this.glide = 0;
    const { canvas } = map;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => this.listener.hover({ kind: "none" }, 0, 0));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {MouseEvent} event @returns {[number, number]} */
  at(event) {
    const box = this.map.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button !== 0) return;
    cancelAnimationFrame(this.glide);
    const [x, y] = this.at(event);
    if (this.pointers.size === 0) this.moved = false;
    this.pointers.set(event.pointerId, { x, y });
    this.start = { x, y };
    this.map.canvas.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const [x, y] = this.at(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") this.listener.hover(hitTest(this.map.model, this.view, x, y, 2), x, y);
      return;
    }
    if (this.pointers.size === 2) this.pinch(event.pointerId, x, y);
    else if (this.moved || Math.hypot(x - (this.start?.x ?? x), y - (this.start?.y ?? y)) > DRAG) {
      this.moved = true;
      this.listener.hover({ kind: "none" }, 0, 0);
      this.view.pan(x - before.x, y - before.y);
      this.map.refresh();
    } else return;
    this.pointers.set(event.pointerId, { x, y });
  }

  /** @param {number} id @param {number} x @param {number} y */
  pinch(id, x, y) {
    this.moved = true;
    const [a, b] = [...this.pointers.values()];
    const before = { distance: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
    const other = /** @type {{x: number, y: number}} */ ([...this.pointers].find(([key]) => key !== id)?.[1]);
    const centre = { x: (x + other.x) / 2, y: (y + other.y) / 2 };
    this.view.pan(centre.x - before.x, centre.y - before.y);
    this.view.zoom(Math.hypot(x - other.x, y - other.y) / Math.max(1, before.distance), centre.x, centre.y);
    this.map.refresh();
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (!this.pointers.delete(event.pointerId) || this.moved) return;
    const [x, y] = this.at(event);
    this.listener.click(hitTest(this.map.model, this.view, x, y, event.pointerType === "touch" ? 22 : 3));
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    cancelAnimationFrame(this.glide);
    const lines = event.deltaMode === 1 ? 30 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.0016;
    this.view.zoom(Math.exp(-event.deltaY * lines * speed), ...this.at(event));
    this.map.refresh();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = 60;
    /** @type {Record<string, () => void>} */
    const moves = {
      ArrowLeft: () => this.view.pan(step, 0),
      ArrowRight: () => this.view.pan(-step, 0),
      ArrowUp: () => this.view.pan(0, step),
      ArrowDown: () => this.view.pan(0, -step),
      "+": () => this.zoomBy(1.5),
      "=": () => this.zoomBy(1.5),
      "-": () => this.zoomBy(1 / 1.5),
      0: () => this.showAll(),
    };
    const run = moves[event.key];
    if (!run || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    run();
    this.map.refresh();
  }

  /** @param {number} factor */
  zoomBy(factor) {
    const { view } = this;
    const goal = Math.min(view.maxScale, Math.max(view.fitScale * 0.9, view.scale * factor));
    const [x, y] = view.toPlan(view.width / 2, view.height / 2);
    this.glideTo({ scale: goal, x: view.width / 2 - x * goal, y: view.height / 2 - y * goal });
  }

  showAll() {
    this.glideTo(this.view.target(this.view.box, 20));
  }

  /** Brings a section into view, near enough to click its seats. @param {number} index */
  showSection(index) {
    const { view } = this;
    const goal = view.target(this.map.model.sections[index].box, 40);
    const least = Math.min(view.maxScale, (SEAT_CLICK + 4) / view.pitch);
    if (goal.scale < least) {
      const { cx, cy } = this.map.model.sections[index];
      this.glideTo({ scale: least, x: view.width / 2 - cx * least, y: view.height / 2 - cy * least });
    } else this.glideTo(goal);
  }

  /** Brings seats into view. @param {number[]} seats */
  showSeats(seats) {
    const { model } = this.map;
    const xs = seats.map((seat) => model.x[seat]);
    const ys = seats.map((seat) => model.y[seat]);
    const room = model.pitch * 8;
    const box = { x0: Math.min(...xs) - room, x1: Math.max(...xs) + room, y0: Math.min(...ys) - room, y1: Math.max(...ys) + room };
    this.glideTo(this.view.target(box, 20));
  }

  /**
   * Moves smoothly to another view, or at once where less movement is asked for.
   * @param {{scale: number, x: number, y: number}} goal
   */
  glideTo(goal) {
    cancelAnimationFrame(this.glide);
    const { view } = this;
    const from = { scale: view.scale, x: view.x, y: view.y };
    const began = performance.now();
    const length = stillness() ? 0 : 280;
    const step = (/** @type {number} */ now) => {
      const t = length === 0 ? 1 : Math.min(1, Math.max(0, (now - began) / length));
      const ease = 1 - (1 - t) ** 3;
      const scale = Math.exp(Math.log(from.scale) + (Math.log(goal.scale) - Math.log(from.scale)) * ease);
      const part = goal.scale === from.scale ? ease : (scale - from.scale) / (goal.scale - from.scale);
      Object.assign(view, { scale, x: from.x + (goal.x - from.x) * part, y: from.y + (goal.y - from.y) * part });
      this.map.refresh();
      if (t < 1) this.glide = requestAnimationFrame(step);
    };
    step(began);
  }
}
