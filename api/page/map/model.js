// A layout as flat arrays with everything the map needs: outlines, spacing, labels and a grid for hit tests. Pure.

import { boxAround, boxOf, buildGrid, chord, clusters, convexHull, grow, inside, measurePitch, stageShape, union } from "./geometry.js";

/**
 * @typedef {{name: string, section: number, first: number, count: number}} Row
 * @typedef {{name: string, first: number, count: number, rows: number[], hulls: [number, number][][], box: import("./geometry.js").Box,
 *            cx: number, cy: number, level: number, labelWidth: number, labelHeight: number}} Section
 * @typedef {{name: string, capacity: number, level: number, x: number, y: number, width: number, height: number}} Area
 */

const KINDS = ["standard", "accessible", "companion", "restricted"];

/** What is special about a seat, for people; by kind number. */
export const KIND_WORDS = ["", "Wheelchair space", "Companion seat", "Restricted view"];

/** A house, ready to be drawn and asked. Seat numbers are layout order. */
export class SeatModel {
  /** @param {any} layout as `GET /layout/{hash}` gives it */
  constructor(layout) {
    const total = layout.sections.reduce(
      (/** @type {number} */ sum, /** @type {any} */ section) =>
        sum + section.rows.reduce((/** @type {number} */ seats, /** @type {any} */ row) => seats + row.seats.length, 0),
      0,
    );
    /** How many seats. */
    this.count = total;
    this.x = new Float32Array(total);
    this.y = new Float32Array(total);
    this.level = new Uint16Array(total);
    this.kind = new Uint8Array(total);
    this.section = new Uint16Array(total);
    this.row = new Uint32Array(total);
    /** @type {string[]} */
    this.names = new Array(total);
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Section[]} */
    this.sections = [];
    /** @type {{name: string, color: string}[]} */
    this.levels = (layout.levels ?? []).map((/** @type {any} */ level) => ({ name: level.name, color: level.color || "#7a8699" }));
    /** What everyone wants to be close to. @type {{x: number, y: number} | null} */
    this.focal = Array.isArray(layout.focal) ? { x: layout.focal[0], y: layout.focal[1] } : (layout.focal ?? null);
    this.fillSeats(layout);
    this.pitch = measurePitch(this.x, this.y, this.rows);
    for (const section of this.sections) this.outline(section);
    /** @type {Area[]} */
    this.areas = (layout.areas ?? []).map((/** @type {any} */ area) => this.placeArea(area));
    /** @type {import("./geometry.js").Box} */
    this.box = union([...this.sections.map((section) => section.box), ...this.areas.map(boxAround)]);
    /** Where the stage or the pitch is drawn. */
    this.stage = stageShape(this);
    if (this.stage) this.box = union([this.box, boxAround(this.stage)]);
    this.grid = buildGrid(this.x, this.y, this.box, this.pitch);
  }

  /** @param {any} layout */
  fillSeats(layout) {
    let seat = 0;
    for (const [number, section] of layout.sections.entries()) {
      const first = seat;
      /** @type {number[]} */
      const rows = [];
      for (const row of section.rows) {
        rows.push(this.rows.length);
        const rowFirst = seat;
        for (const one of row.seats) this.putSeat(seat++, one, number);
        this.rows.push({ name: row.name, section: number, first: rowFirst, count: seat - rowFirst });
      }
      const box = { x0: 0, y0: 0, x1: 0, y1: 0 };
      this.sections.push({ name: section.name, first, count: seat - first, rows, hulls: [], box, cx: 0, cy: 0, level: 0, labelWidth: 0, labelHeight: 0 });
    }
  }

  /**
   * @param {number} seat
   * @param {any} one an object, or `[name, level, x, y, kind]`
   * @param {number} section
   */
  putSeat(seat, one, section) {
    const [name, level, x, y, kind] = Array.isArray(one) ? one : [one.name, one.level, one.x, one.y, one.kind];
    this.names[seat] = String(name);
    this.level[seat] = level;
    this.x[seat] = x;
    this.y[seat] = y;
    this.kind[seat] = typeof kind === "number" ? kind : Math.max(0, KINDS.indexOf(kind ?? "standard"));
    this.section[seat] = section;
    this.row[seat] = this.rows.length;
  }

  /**
   * Outlines a section: one hull for each cluster of its seats, the label in the largest.
   * @param {Section} section
   */
  outline(section) {
    /** @type {[number, number][]} */
    const points = [];
    const votes = new Map();
    for (let seat = section.first; seat < section.first + section.count; seat++) {
      votes.set(this.level[seat], (votes.get(this.level[seat]) ?? 0) + 1);
      points.push([this.x[seat], this.y[seat]]);
    }
    section.level = [...votes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
    const parts = clusters(points, this.pitch * 2).sort((a, b) => b.length - a.length);
    section.hulls = parts.map((part) => grow(convexHull(part), this.pitch * 0.75));
    section.box = union(section.hulls.map(boxOf));
    const [largest = []] = parts;
    section.cx = largest.reduce((sum, [x]) => sum + x, 0) / Math.max(1, largest.length);
    section.cy = largest.reduce((sum, [, y]) => sum + y, 0) / Math.max(1, largest.length);
    const [hull = []] = section.hulls;
    section.labelHeight = chord(hull, section.cx, 0);
    const off = section.labelHeight * 0.15;
    section.labelWidth = Math.min(chord(hull, section.cy - off, 1), chord(hull, section.cy + off, 1));
  }

  /**
   * Gives an area a size: room for its people and its name, but never over a seat.
   * @param {any} area
   * @returns {Area}
   */
  placeArea(area) {
    const side = Math.max(Math.sqrt(Math.max(1, area.capacity)) * this.pitch * 0.55, this.pitch * 7);
    const [half, tall] = [side * 0.8, side * 0.4];
    let share = 1;
    for (let seat = 0; seat < this.count; seat++) {
      const [dx, dy] = [Math.abs(this.x[seat] - area.x), Math.abs(this.y[seat] - area.y)];
      share = Math.min(share, Math.max((dx - this.pitch) / half, (dy - this.pitch) / tall));
    }
    share = Math.max(share, (this.pitch * 0.5) / tall);
    return { name: area.name, capacity: area.capacity, level: area.level, x: area.x, y: area.y, width: half * 2 * share, height: tall * 2 * share };
  }

  /**
   * The seat nearest to a point, if one is near enough.
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   * @returns {number} -1 when there is none
   */
  seatAt(x, y, reach) {
    const { grid } = this;
    const column = (/** @type {number} */ at) => Math.floor((at - grid.x0) / grid.cell);
    const line = (/** @type {number} */ at) => Math.floor((at - grid.y0) / grid.cell);
    let best = -1;
    let nearest = reach * reach;
    for (let gy = Math.max(0, line(y - reach)); gy <= Math.min(grid.lines - 1, line(y + reach)); gy++) {
      for (let gx = Math.max(0, column(x - reach)); gx <= Math.min(grid.columns - 1, column(x + reach)); gx++) {
        const cell = gy * grid.columns + gx;
        for (let at = grid.start[cell]; at < grid.start[cell + 1]; at++) {
          const seat = grid.items[at];
          const distance = (this.x[seat] - x) ** 2 + (this.y[seat] - y) ** 2;
          if (distance <= nearest) [best, nearest] = [seat, distance];
        }
      }
    }
    return best;
  }

  /**
   * The section whose outline holds a point; the smallest one where outlines overlap.
   * @param {number} x
   * @param {number} y
   * @returns {number} -1 when there is none
   */
  sectionAt(x, y) {
    let best = -1;
    for (const [index, section] of this.sections.entries()) {
      const { box } = section;
      if (x < box.x0 || x > box.x1 || y < box.y0 || y > box.y1 || !section.hulls.some((hull) => inside(hull, x, y))) continue;
      if (best < 0 || section.count < this.sections[best].count) best = index;
    }
    return best;
  }

  /**
   * The area that holds a point, or -1.
   * @param {number} x
   * @param {number} y
   */
  areaAt(x, y) {
    return this.areas.findIndex((area) => Math.abs(x - area.x) <= area.width / 2 && Math.abs(y - area.y) <= area.height / 2);
  }

  /**
   * A seat's names.
   * @param {number} seat
   */
  place(seat) {
    return { section: this.sections[this.section[seat]].name, row: this.rows[this.row[seat]].name, seat: this.names[seat] };
  }

  /**
   * A seat's label as the API spells it.
   * @param {number} seat
   */
  label(seat) {
    const { section, row, seat: name } = this.place(seat);
    return `${section}-${row}-${name}`;
  }

  /**
   * A seat from what the server calls it: its index or its label.
   * @param {number | string} which
   * @returns {number} -1 when unknown
   */
  find(which) {
    if (typeof which === "number") return which >= 0 && which < this.count ? which : -1;
    if (!this.labels) {
      this.labels = new Map();
      for (let seat = 0; seat < this.count; seat++) this.labels.set(this.label(seat), seat);
    }
    return this.labels.get(which) ?? -1;
  }

  /**
   * The nearest seat for which a test holds: in the row first, then in the section; of the same price level.
   * @param {number} seat
   * @param {(seat: number) => boolean} free
   * @returns {number} -1 when there is none
   */
  nextBest(seat, free) {
    const row = this.rows[this.row[seat]];
    const section = this.sections[this.section[seat]];
    for (const range of [row, section]) {
      let best = -1;
      let nearest = Infinity;
      for (let other = range.first; other < range.first + range.count; other++) {
        if (other === seat || this.level[other] !== this.level[seat] || !free(other)) continue;
        const distance = (this.x[other] - this.x[seat]) ** 2 + (this.y[other] - this.y[seat]) ** 2;
        if (distance < nearest) [best, nearest] = [other, distance];
      }
      if (best >= 0) return best;
    }
    return -1;
  }
}
