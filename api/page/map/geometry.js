// Outlines, boxes and the grid behind the map. Pure.

/** @typedef {{x0: number, y0: number, x1: number, y1: number}} Box */

/**
 * Distance of neighbouring seats: the median within rows.
 * @param {Float32Array} x
 * @param {Float32Array} y
 * @param {import("./model.js").Row[]} rows
 */
export function measurePitch(x, y, rows) {
  const gaps = [];
  const step = Math.max(1, Math.floor(rows.length / 400));
  for (let index = 0; index < rows.length; index += step) {
    const { first, count } = rows[index];
    for (let seat = first; seat + 1 < first + Math.min(count, 6); seat++) {
      const gap = Math.hypot(x[seat + 1] - x[seat], y[seat + 1] - y[seat]);
      if (gap > 0) gaps.push(gap);
    }
  }
  gaps.sort((a, b) => a - b);
  return gaps[gaps.length >> 1] ?? 20;
}

/**
 * Convex hull (monotone chain), counter-clockwise in screen axes.
 * @param {[number, number][]} points
 * @returns {[number, number][]}
 */
export function convexHull(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  const turn = (/** @type {number[]} */ o, /** @type {number[]} */ a, /** @type {number[]} */ b) =>
    (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
  const half = (/** @type {[number, number][]} */ list) => {
    /** @type {[number, number][]} */
    const chain = [];
    for (const point of list) {
      while (chain.length > 1 && turn(chain[chain.length - 2], chain[chain.length - 1], point) <= 0) chain.pop();
      chain.push(point);
    }
    chain.pop();
    return chain;
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

/**
 * Points that hang together: those in the same or in neighbouring cells of a coarse grid.
 * @param {[number, number][]} points
 * @param {number} cell
 * @returns {[number, number][][]}
 */
export function clusters(points, cell) {
  /** @type {Map<string, [number, number][]>} */
  const cells = new Map();
  for (const point of points) {
    const key = `${Math.floor(point[0] / cell)},${Math.floor(point[1] / cell)}`;
    const list = cells.get(key);
    if (list) list.push(point);
    else cells.set(key, [point]);
  }
  const found = [];
  for (const start of [...cells.keys()]) {
    if (!cells.has(start)) continue;
    /** @type {[number, number][]} */
    const cluster = [];
    const open = [start];
    for (let key = open.pop(); key !== undefined; key = open.pop()) {
      const list = cells.get(key);
      if (!list) continue;
      cells.delete(key);
      cluster.push(...list);
      const [x, y] = key.split(",").map(Number);
      for (const dx of [-1, 0, 1]) for (const dy of [-1, 0, 1]) open.push(`${x + dx},${y + dy}`);
    }
    found.push(cluster);
  }
  return found;
}

/**
 * A convex outline made larger on all sides; works for single points and lines too.
 * @param {[number, number][]} hull
 * @param {number} by
 * @returns {[number, number][]}
 */
export function grow(hull, by) {
  /** @type {[number, number][]} */
  const corners = [];
  for (const [x, y] of hull) {
    for (let step = 0; step < 8; step++) {
      const angle = (step * Math.PI) / 4 + Math.PI / 8;
      corners.push([x + by * Math.cos(angle), y + by * Math.sin(angle)]);
    }
  }
  return convexHull(corners);
}

/** @param {[number, number][]} hull @param {number} x @param {number} y */
export function inside(hull, x, y) {
  let odd = false;
  for (let i = 0, j = hull.length - 1; i < hull.length; j = i++) {
    const [xi, yi] = hull[i];
    const [xj, yj] = hull[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

/**
 * How wide a convex outline is at a height (`axis` 1), or how high at a distance from the left (`axis` 0).
 * @param {[number, number][]} hull
 * @param {number} at
 * @param {0 | 1} axis
 */
export function chord(hull, at, axis) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0, j = hull.length - 1; i < hull.length; j = i++) {
    const [a, b] = [hull[i], hull[j]];
    if (a[axis] > at === b[axis] > at) continue;
    const cut = a[1 - axis] + ((at - a[axis]) / (b[axis] - a[axis])) * (b[1 - axis] - a[1 - axis]);
    low = Math.min(low, cut);
    high = Math.max(high, cut);
  }
  return high > low ? high - low : 0;
}

/** @param {[number, number][]} points @returns {Box} */
export const boxOf = (points) =>
  points.reduce((box, [x, y]) => union([box, { x0: x, y0: y, x1: x, y1: y }]), { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity });

/** @param {{x: number, y: number, width: number, height: number}} shape @returns {Box} */
export const boxAround = ({ x, y, width, height }) => ({ x0: x - width / 2, x1: x + width / 2, y0: y - height / 2, y1: y + height / 2 });

/** @param {Box[]} boxes @returns {Box} */
export function union(boxes) {
  const all = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
  for (const box of boxes) {
    all.x0 = Math.min(all.x0, box.x0);
    all.y0 = Math.min(all.y0, box.y0);
    all.x1 = Math.max(all.x1, box.x1);
    all.y1 = Math.max(all.y1, box.y1);
  }
  return all;
}

/**
 * Seats sorted into square cells, so that a hit test looks at a handful.
 * @param {Float32Array} x
 * @param {Float32Array} y
 * @param {Box} box
 * @param {number} pitch
 */
export function buildGrid(x, y, box, pitch) {
  const cell = Math.max(pitch * 3, (box.x1 - box.x0) / 1000, (box.y1 - box.y0) / 1000, 1e-6);
  const columns = Math.max(1, Math.ceil((box.x1 - box.x0) / cell));
  const lines = Math.max(1, Math.ceil((box.y1 - box.y0) / cell));
  const cellOf = (/** @type {number} */ seat) =>
    Math.min(lines - 1, Math.max(0, Math.floor((y[seat] - box.y0) / cell))) * columns +
    Math.min(columns - 1, Math.max(0, Math.floor((x[seat] - box.x0) / cell)));
  const start = new Uint32Array(columns * lines + 1);
  for (let seat = 0; seat < x.length; seat++) start[cellOf(seat) + 1]++;
  for (let at = 1; at < start.length; at++) start[at] += start[at - 1];
  const next = start.slice();
  const items = new Uint32Array(x.length);
  for (let seat = 0; seat < x.length; seat++) items[next[cellOf(seat)]++] = seat;
  return { x0: box.x0, y0: box.y0, cell, columns, lines, start, items };
}

/**
 * Where the stage or the pitch is drawn: the room around the focal point that no seat takes.
 * @param {import("./model.js").SeatModel} model
 */
export function stageShape(model) {
  if (!model.focal || model.count === 0) return null;
  const { x, y } = model.focal;
  const band = (model.box.x1 - model.box.x0) * 0.06 + model.pitch * 2;
  let [left, right, up, down] = [Infinity, Infinity, Infinity, Infinity];
  for (let seat = 0; seat < model.count; seat++) {
    const [dx, dy] = [model.x[seat] - x, model.y[seat] - y];
    if (Math.abs(dy) < band) {
      if (dx < 0) left = Math.min(left, -dx);
      else right = Math.min(right, dx);
    }
    if (Math.abs(dx) < band) {
      if (dy < 0) up = Math.min(up, -dy);
      else down = Math.min(down, dy);
    }
  }
  for (const area of model.areas) {
    if (Math.abs(area.x - x) > area.width / 2 + band) continue;
    const gap = Math.max(model.pitch * 3, Math.abs(area.y - y) - area.height / 2);
    if (area.y < y) up = Math.min(up, gap);
    else down = Math.min(down, gap);
  }
  const surrounded = [left, right, up, down].every(Number.isFinite);
  if (surrounded) {
    const width = Math.min(left, right) * 2 - model.pitch * 4;
    const height = Math.min(up, down) * 2 - model.pitch * 4;
    return width > 0 && height > 0 ? { x, y, width, height, surrounded } : null;
  }
  const width = (model.box.x1 - model.box.x0) * 0.36;
  const height = Math.min(width * 0.16, Math.max(model.pitch * 2, (Math.min(up, down) - model.pitch) * 1.6));
  return Number.isFinite(height) ? { x, y, width, height, surrounded } : { x, y, width, height: width * 0.12, surrounded };
}
