// Pictures of whole sections, drawn once per zoom step and patched seat by seat when something changes.

import { paintSeat } from "./paint.js";

/** Most pixels kept in pictures, over all sections. */
const PIXELS_MAX = 24_000_000;

/**
 * The zoom step whose pictures serve a scale: the next half power of two above.
 * @param {number} scale
 */
export const zoomStep = (scale) => 2 ** (Math.ceil(Math.log2(scale) * 2) / 2);

/** @typedef {{canvas: HTMLCanvasElement, ctx: CanvasRenderingContext2D, step: number, used: number}} Tile */

/** Section pictures, least recently used ones dropped. */
export class Tiles {
  /**
   * @param {import("./model.js").SeatModel} model
   * @param {Uint8Array} states
   */
  constructor(model, states) {
    this.model = model;
    this.states = states;
    /** @type {Map<number, Tile>} */
    this.tiles = new Map();
    this.pixels = 0;
    this.tick = 0;
  }

  /** Throws all pictures away (another look). */
  clear() {
    this.tiles.clear();
    this.pixels = 0;
  }

  /**
   * The picture of a section, drawn now if need be.
   * @param {number} index
   * @param {number} step pixels of the picture per unit of the plan
   * @param {import("./paint.js").Look} look
   * @param {boolean} mayDraw whether a missing picture may be drawn now
   * @returns {Tile | null}
   */
  get(index, step, look, mayDraw) {
    const old = this.tiles.get(index);
    if (old && (old.step === step || !mayDraw)) {
      old.used = ++this.tick;
      return old;
    }
    return mayDraw ? this.draw(index, step, look) : null;
  }

  /**
   * @param {number} index
   * @param {number} step
   * @param {import("./paint.js").Look} look
   */
  draw(index, step, look) {
    this.drop(index);
    const section = this.model.sections[index];
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.ceil((section.box.x1 - section.box.x0) * step));
    canvas.height = Math.max(1, Math.ceil((section.box.y1 - section.box.y0) * step));
    const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const tile = { canvas, ctx, step, used: ++this.tick };
    for (let seat = section.first; seat < section.first + section.count; seat++) this.paint(tile, section, seat, look);
    this.tiles.set(index, tile);
    this.pixels += canvas.width * canvas.height;
    this.evict();
    return tile;
  }

  /**
   * Draws changed seats anew in the pictures that show them.
   * @param {number[]} seats
   * @param {import("./paint.js").Look} look
   */
  patch(seats, look) {
    for (const seat of seats) {
      const index = this.model.section[seat];
      const tile = this.tiles.get(index);
      if (!tile) continue;
      const section = this.model.sections[index];
      const side = this.model.pitch * 0.49 * tile.step;
      tile.ctx.clearRect(
        (this.model.x[seat] - section.box.x0) * tile.step - side,
        (this.model.y[seat] - section.box.y0) * tile.step - side,
        side * 2,
        side * 2,
      );
      this.paint(tile, section, seat, look);
    }
  }

  /**
   * @param {Tile} tile
   * @param {import("./model.js").Section} section
   * @param {number} seat
   * @param {import("./paint.js").Look} look
   */
  paint(tile, section, seat, look) {
    const { model } = this;
    const x = (model.x[seat] - section.box.x0) * tile.step;
    const y = (model.y[seat] - section.box.y0) * tile.step;
    const shape = { state: this.states[seat], level: model.level[seat], kind: model.kind[seat] };
    paintSeat(tile.ctx, x, y, model.pitch * 0.4 * tile.step, shape, look);
  }

  /** @param {number} index */
  drop(index) {
    const tile = this.tiles.get(index);
    if (!tile) return;
    this.pixels -= tile.canvas.width * tile.canvas.height;
    this.tiles.delete(index);
  }

  evict() {
    while (this.pixels > PIXELS_MAX && this.tiles.size > 1) {
      const [oldest] = [...this.tiles].reduce((a, b) => (a[1].used < b[1].used ? a : b));
      this.drop(oldest);
    }
  }
}
