// Draws the map: outlines with free counts from afar, seats from near, the person's own choice always.

import { stillness } from "../dom.js";
import { INK, inkOn, paintChosen, paintSeat, tint } from "./paint.js";
import { SEAT_CLICK } from "./view.js";
import { Tiles, zoomStep } from "./tiles.js";

/** Below this many pixels between seats only outlines are drawn; above the second only seats. */
const [OUTLINES, SEATS] = [2.2, 4.2];
/** Above this many pixels between seats they are drawn directly, with what they are. */
const DIRECT = 15;
/** How long a live change fades in, in milliseconds. */
const FADE = 200;
const FONT = "system-ui, sans-serif";

/** The canvas and everything on it. */
export class SeatMap {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./model.js").SeatModel} model
   * @param {import("./state.js").SeatStates} seats
   * @param {import("./view.js").View} view
   */
  constructor(canvas, model, seats, view) {
    this.canvas = canvas;
    this.ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.model = model;
    this.seats = seats;
    this.view = view;
    this.tiles = new Tiles(model, seats.states);
    /** @type {import("./paint.js").Look} */
    this.look = { colors: model.levels.map((level) => level.color), only: null };
    /** What the middle of the house is called. */
    this.focalName = "Stage";
    /** Free places of each area. @type {Map<string, number>} */
    this.areaFree = new Map();
    /** @type {Set<number>} */
    this.chosen = new Set();
    /** @type {Set<number>} */
    this.mine = new Set();
    this.hover = { seat: -1, section: -1 };
    /** @type {Map<number, {from: number, at: number}>} */
    this.fades = new Map();
    this.frame = 0;
  }

  /** Draws with the next frame. */
  refresh() {
    this.frame ||= requestAnimationFrame((now) => {
      this.frame = 0;
      this.draw(now);
    });
  }

  /**
   * Seats have changed.
   * @param {number[]} changed
   * @param {(seat: number) => number} [before] the state before, for the fade
   */
  changed(changed, before) {
    this.tiles.patch(changed, this.look);
    if (before && changed.length < 500 && !stillness()) {
      const at = performance.now();
      for (const seat of changed) this.fades.set(seat, { from: before(seat), at });
    }
    this.refresh();
  }

  /** Shows only one price level in full colour; `null` shows all. @param {number | null} level */
  filter(level) {
    this.look.only = level;
    this.tiles.clear();
    this.refresh();
  }

  /** Takes the canvas's size from its place on the page. */
  resize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (width === 0 || height === 0) return;
    this.ratio = Math.min(2.5, devicePixelRatio || 1);
    this.canvas.width = Math.round(width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
    this.view.resize(width, height);
    this.refresh();
  }

  /** @param {number} now */
  draw(now) {
    const { ctx, view } = this;
    const ratio = this.ratio ?? 1;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, view.width, view.height);
    this.drawFocal();
    const near = Math.min(1, Math.max(0, (view.seatPixels - OUTLINES) / (SEATS - OUTLINES)));
    this.drawOutlines(1 - near);
    if (near > 0) {
      if (view.seatPixels < DIRECT) this.drawTiles(near, ratio);
      else this.drawSeats();
      this.drawFades(now);
    }
    this.drawAreas();
    if (view.seatPixels < 8) this.drawLabels();
    if (view.seatPixels >= SEAT_CLICK) this.drawTitles();
    if (view.seatPixels > 18) this.drawRowNames();
    this.drawChoice();
    if (this.fades.size > 0) this.refresh();
  }

  drawFocal() {
    if (!this.model.stage) return;
    const { ctx, view } = this;
    const { x, y, width, height } = this.model.stage;
    const [sx, sy] = view.toScreen(x - width / 2, y - height / 2);
    ctx.fillStyle = INK.stage;
    ctx.beginPath();
    ctx.roundRect(sx, sy, width * view.scale, height * view.scale, Math.min(14, height * view.scale * 0.2));
    ctx.fill();
    const size = Math.min(18, height * view.scale * 0.5, width * view.scale * 0.16);
    if (size > 6) this.text(this.focalName, sx + (width * view.scale) / 2, sy + (height * view.scale) / 2, size, INK.soft, 500);
  }

  /** @param {number} strength 0 = faint background of the seats, 1 = all there is to see */
  drawOutlines(strength) {
    const { ctx, view, model } = this;
    for (const [index, section] of model.sections.entries()) {
      if (!this.sees(section.box)) continue;
      const share = section.count ? this.seats.free[index] / section.count : 0;
      const color = this.look.colors[section.level] ?? INK.soft;
      const dim = this.look.only !== null && this.look.only !== section.level;
      const hovered = this.hover.section === index && view.seatPixels < SEAT_CLICK;
      ctx.beginPath();
      for (const hull of section.hulls) {
        for (const [at, [x, y]] of hull.entries()) ctx[at === 0 ? "moveTo" : "lineTo"](x * view.scale + view.x, y * view.scale + view.y);
        ctx.closePath();
      }
      const far = share === 0 || dim ? "#eceef2" : tint(color, 0.25 + 0.5 * share);
      ctx.globalAlpha = strength;
      ctx.fillStyle = far;
      if (strength > 0) ctx.fill();
      ctx.globalAlpha = 0.06 * (1 - strength) + (hovered ? 0.1 : 0);
      ctx.fillStyle = hovered ? INK.chosen : color;
      ctx.fill();
      ctx.globalAlpha = hovered ? 0.9 : 0.35 + 0.4 * strength;
      ctx.strokeStyle = hovered ? INK.chosen : strength > 0.5 ? INK.paper : "#d9dde4";
      ctx.lineWidth = hovered ? 1.5 : 1;
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
  }

  /** @param {number} alpha @param {number} ratio */
  drawTiles(alpha, ratio) {
    const { ctx, view, model } = this;
    const step = zoomStep(view.scale * ratio);
    const started = performance.now();
    let late = false;
    ctx.globalAlpha = alpha;
    for (const [index, section] of model.sections.entries()) {
      if (!this.sees(section.box)) continue;
      const inTime = performance.now() - started < 12;
      const tile = this.tiles.get(index, step, this.look, inTime);
      if (!tile || tile.step !== step) late = true;
      if (!tile) continue;
      const [x, y] = view.toScreen(section.box.x0, section.box.y0);
      const shrink = view.scale / tile.step;
      ctx.drawImage(tile.canvas, x, y, tile.canvas.width * shrink, tile.canvas.height * shrink);
    }
    ctx.globalAlpha = 1;
    if (late) this.refresh();
  }

  drawSeats() {
    const { ctx, view, model, seats } = this;
    const box = view.visible();
    const r = view.seatPixels * 0.4;
    for (const section of model.sections) {
      if (!this.sees(section.box)) continue;
      for (let seat = section.first; seat < section.first + section.count; seat++) {
        const [x, y] = [model.x[seat], model.y[seat]];
        if (x < box.x0 - model.pitch || x > box.x1 + model.pitch || y < box.y0 - model.pitch || y > box.y1 + model.pitch) continue;
        const [sx, sy] = view.toScreen(x, y);
        const state = seats.states[seat];
        paintSeat(ctx, sx, sy, r, { state, level: model.level[seat], kind: model.kind[seat] }, this.look);
        if (view.seatPixels > 26 && state === 0 && model.kind[seat] === 0) {
          this.text(model.names[seat], sx, sy, Math.min(12, r * 0.85), inkOn(this.look.colors[model.level[seat]]), 600);
        }
      }
    }
  }

  /** @param {number} now */
  drawFades(now) {
    const { ctx, view, model } = this;
    for (const [seat, { from, at }] of this.fades) {
      const left = 1 - (now - at) / FADE;
      if (left <= 0) {
        this.fades.delete(seat);
        continue;
      }
      const [x, y] = view.toScreen(model.x[seat], model.y[seat]);
      ctx.save();
      ctx.fillStyle = this.look.colors[model.level[seat]];
      ctx.globalAlpha = left * (from === 0 ? 0.9 : 0.3);
      ctx.beginPath();
      ctx.arc(x, y, view.seatPixels * (0.4 + 0.25 * (1 - left)), 0, Math.PI * 2);
      ctx.fill();
      ctx.restore();
    }
  }

  drawAreas() {
    const { ctx, view, model } = this;
    for (const area of model.areas) {
      const [x, y] = view.toScreen(area.x - area.width / 2, area.y - area.height / 2);
      const [width, height] = [area.width * view.scale, area.height * view.scale];
      const free = this.areaFree.get(area.name) ?? area.capacity;
      const color = this.look.colors[area.level] ?? INK.soft;
      ctx.fillStyle = free > 0 ? tint(color, 0.25 + 0.35 * (free / area.capacity)) : "#eceef2";
      ctx.strokeStyle = free > 0 ? color : INK.taken;
      ctx.beginPath();
      ctx.roundRect(x, y, width, height, Math.min(10, height * 0.2));
      ctx.fill();
      ctx.stroke();
      const size = Math.min(14, height * 0.26, width * 0.12);
      if (size < 5) continue;
      this.text(area.name, x + width / 2, y + height / 2 - size * 0.6, size, INK.text, 600);
      this.text(`${free} free`, x + width / 2, y + height / 2 + size * 0.7, size * 0.85, INK.soft, 400);
    }
  }

  drawLabels() {
    const { view, model } = this;
    const fade = Math.min(1, (8 - view.seatPixels) / 1.5);
    for (const [index, section] of model.sections.entries()) {
      if (!this.sees(section.box)) continue;
      const width = section.labelWidth * view.scale;
      const height = section.labelHeight * view.scale;
      const sizeFor = (/** @type {string} */ name) => Math.min(13, height * 0.55, (width / Math.max(3, name.length)) * 1.3);
      const short = section.name.split(" ").at(-1) ?? section.name;
      const name = sizeFor(section.name) < 8 ? short : section.name;
      const size = sizeFor(name);
      if (size < 7) continue;
      const [x, y] = view.toScreen(section.cx, section.cy);
      this.label(name, this.seats.free[index], x, y, size, fade, height > size * 2.6);
    }
  }

  /**
   * A section's name and free count on a light plate.
   * @param {string} name @param {number} free @param {number} x @param {number} y @param {number} size
   * @param {number} alpha @param {boolean} two whether there is room for the count
   */
  label(name, free, x, y, size, alpha, two) {
    const { ctx } = this;
    const plate = this.view.seatPixels > OUTLINES;
    ctx.globalAlpha = alpha;
    const below = free === 0 ? "sold out" : String(free);
    if (plate) {
      ctx.font = `600 ${size}px ${FONT}`;
      const width = Math.max(ctx.measureText(name).width, two ? ctx.measureText(below).width * 0.85 : 0) + size;
      const height = two ? size * 2.5 : size * 1.6;
      ctx.fillStyle = "rgb(255 255 255 / 0.86)";
      ctx.beginPath();
      ctx.roundRect(x - width / 2, y - height / 2, width, height, size * 0.5);
      ctx.fill();
    }
    this.text(name, x, two ? y - size * 0.5 : y, size, INK.text, 600);
    if (two) this.text(below, x, y + size * 0.6, size * 0.85, free === 0 ? INK.soft : INK.text, 400);
    ctx.globalAlpha = 1;
  }

  /** Section names while seats are near: above each section, or at the upper edge while it is inside. */
  drawTitles() {
    const { ctx, view, model } = this;
    /** @type {{x: number, y: number, width: number}[]} */
    const drawn = [];
    for (const [index, section] of model.sections.entries()) {
      if (!this.sees(section.box)) continue;
      const [x0, y0] = view.toScreen(section.box.x0, section.box.y0);
      const [x1, y1] = view.toScreen(section.box.x1, section.box.y1);
      const [left, right] = [Math.max(0, x0), Math.min(view.width, x1)];
      const y = Math.min(Math.max(y0 - 10, 18), y1 - 18);
      const text = `${section.name} · ${this.seats.free[index]} free`;
      ctx.font = `600 13px ${FONT}`;
      const width = ctx.measureText(text).width + 16;
      if (right - left < width || y < 0) continue;
      const x = (left + right) / 2;
      if (drawn.some((one) => Math.abs(one.x - x) < (one.width + width) / 2 && Math.abs(one.y - y) < 22)) continue;
      drawn.push({ x, y, width });
      ctx.fillStyle = "rgb(255 255 255 / 0.92)";
      ctx.beginPath();
      ctx.roundRect(x - width / 2, y - 11, width, 22, 8);
      ctx.fill();
      this.text(text, x, y, 13, INK.text, 600);
    }
  }

  drawRowNames() {
    const { view, model } = this;
    const size = Math.min(12, view.seatPixels * 0.4);
    for (const section of model.sections) {
      if (!this.sees(section.box)) continue;
      for (const index of section.rows) {
        const { first, count, name } = model.rows[index];
        const next = count > 1 ? first + 1 : first;
        const [dx, dy] = [model.x[first] - model.x[next], model.y[first] - model.y[next]];
        const length = Math.hypot(dx, dy) || 1;
        const reach = model.pitch * 0.95;
        const [x, y] = view.toScreen(
          model.x[first] + (count > 1 ? (dx / length) * reach : -reach),
          model.y[first] + (count > 1 ? (dy / length) * reach : 0),
        );
        this.text(name, x, y, size, INK.soft, 500);
      }
    }
  }

  drawChoice() {
    const { ctx, view, model } = this;
    const r = Math.max(5, view.seatPixels * 0.44);
    for (const seat of this.mine) paintChosen(ctx, ...view.toScreen(model.x[seat], model.y[seat]), r, true);
    for (const seat of this.chosen) paintChosen(ctx, ...view.toScreen(model.x[seat], model.y[seat]), r, false);
    if (this.hover.seat < 0) return;
    const [x, y] = view.toScreen(model.x[this.hover.seat], model.y[this.hover.seat]);
    ctx.strokeStyle = INK.chosen;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.arc(x, y, view.seatPixels * 0.4 + 2.5, 0, Math.PI * 2);
    ctx.stroke();
  }

  /** @param {import("./geometry.js").Box} box */
  sees(box) {
    const { view } = this;
    const [x0, y0] = view.toScreen(box.x0, box.y0);
    const [x1, y1] = view.toScreen(box.x1, box.y1);
    return x1 >= 0 && y1 >= 0 && x0 <= view.width && y0 <= view.height;
  }

  /** @param {string} text @param {number} x @param {number} y @param {number} size @param {string} color @param {number} weight */
  text(text, x, y, size, color, weight) {
    const { ctx } = this;
    ctx.font = `${weight} ${size}px ${FONT}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillStyle = color;
    ctx.fillText(text, x, y);
  }
}
