// Where the map is looked at from: scale and offset, zooming around a point, fitting a box. Pure.

/** From this many pixels between seats on, a click means a seat; below it means the section. */
export const SEAT_CLICK = 8;

/** Screen position = plan position x scale + offset, in CSS pixels. */
export class View {
  /**
   * @param {import("./geometry.js").Box} box the whole plan
   * @param {number} pitch distance of neighbouring seats
   */
  constructor(box, pitch) {
    this.box = box;
    this.pitch = pitch;
    this.width = 1;
    this.height = 1;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
  }

  /** The scale at which everything is visible. */
  get fitScale() {
    return this.scaleFor(this.box, 20);
  }

  /** The largest scale: seats 44 pixels apart, so that a finger can hit them. */
  get maxScale() {
    return Math.max(44 / this.pitch, this.fitScale);
  }

  /** Pixels between neighbouring seats now. */
  get seatPixels() {
    return this.pitch * this.scale;
  }

  /** @param {import("./geometry.js").Box} box @param {number} margin */
  scaleFor(box, margin) {
    const width = Math.max(1, this.width - margin * 2);
    const height = Math.max(1, this.height - margin * 2);
    return Math.min(width / Math.max(1e-6, box.x1 - box.x0), height / Math.max(1e-6, box.y1 - box.y0));
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    const whole = this.width === 1 || this.scale <= this.fitScale * 1.02;
    const [x, y] = this.toPlan(this.width / 2, this.height / 2);
    this.width = width;
    this.height = height;
    if (whole) return this.fit();
    this.x = width / 2 - x * this.scale;
    this.y = height / 2 - y * this.scale;
    this.clamp();
  }

  /** Shows everything, centred. */
  fit() {
    Object.assign(this, this.target(this.box, 20));
  }

  /**
   * The view that shows a box, as large as allowed.
   * @param {import("./geometry.js").Box} box
   * @param {number} margin
   */
  target(box, margin) {
    const scale = Math.min(this.scaleFor(box, margin), this.maxScale);
    return {
      scale,
      x: this.width / 2 - ((box.x0 + box.x1) / 2) * scale,
      y: this.height / 2 - ((box.y0 + box.y1) / 2) * scale,
    };
  }

  /** @param {number} dx @param {number} dy */
  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.clamp();
  }

  /**
   * Zooms so that the plan's point under a screen point stays there.
   * @param {number} factor
   * @param {number} sx
   * @param {number} sy
   */
  zoom(factor, sx, sy) {
    const scale = Math.min(this.maxScale, Math.max(this.fitScale * 0.9, this.scale * factor));
    const [x, y] = this.toPlan(sx, sy);
    this.scale = scale;
    this.x = sx - x * scale;
    this.y = sy - y * scale;
    this.clamp();
  }

  /** Keeps some of the plan in sight. */
  clamp() {
    const hold = (/** @type {number} */ at, /** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ size) => {
      const margin = Math.min(size * 0.5, (high - low) * this.scale * 0.5);
      return Math.min(size - margin - low * this.scale, Math.max(margin - high * this.scale, at));
    };
    this.x = hold(this.x, this.box.x0, this.box.x1, this.width);
    this.y = hold(this.y, this.box.y0, this.box.y1, this.height);
  }

  /** @param {number} sx @param {number} sy @returns {[number, number]} */
  toPlan(sx, sy) {
    return [(sx - this.x) / this.scale, (sy - this.y) / this.scale];
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  toScreen(x, y) {
    return [x * this.scale + this.x, y * this.scale + this.y];
  }

  /** The part of the plan that is visible. @returns {import("./geometry.js").Box} */
  visible() {
    const [x0, y0] = this.toPlan(0, 0);
    const [x1, y1] = this.toPlan(this.width, this.height);
    return { x0, y0, x1, y1 };
  }
}
