// How one seat looks in each state, at any size. Colour says the price level; shape says the state.

import { FREE, HELD, SOLD } from "./state.js";

/** Colours that do not depend on the plan. */
export const INK = {
  taken: "#c3c8d1",
  held: "#8f97a6",
  mine: "#12805c",
  chosen: "#14161c",
  text: "#2a2f3a",
  soft: "#6b7280",
  stage: "#e6e9ee",
  paper: "#ffffff",
};

/** How the seats are to be looked at. @typedef {{colors: string[], only: number | null}} Look */

/**
 * Draws one seat centred at a point.
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 * @param {number} r radius of a free seat
 * @param {{state: number, level: number, kind: number}} seat
 * @param {Look} look
 */
export function paintSeat(ctx, x, y, r, seat, look) {
  const dim = look.only !== null && look.only !== seat.level;
  if (seat.state === FREE) {
    ctx.globalAlpha = dim ? 0.15 : 1;
    ctx.fillStyle = look.colors[seat.level] ?? INK.soft;
    blob(ctx, x, y, r, seat.kind === 1 || seat.kind === 2);
    if (seat.kind !== 0 && r > 3) mark(ctx, x, y, r, seat.kind);
  } else if (seat.state === HELD) {
    ctx.globalAlpha = dim ? 0.3 : 1;
    ctx.strokeStyle = INK.held;
    ctx.lineWidth = Math.max(0.7, r * 0.22);
    ctx.beginPath();
    ctx.arc(x, y, r * 0.7, 0, Math.PI * 2);
    ctx.stroke();
  } else if (seat.state === SOLD) {
    ctx.globalAlpha = dim ? 0.4 : 1;
    cross(ctx, x, y, r * 0.5, INK.taken, Math.max(0.8, r * 0.3));
  } else {
    ctx.globalAlpha = 0.6;
    ctx.fillStyle = INK.taken;
    ctx.fillRect(x - r * 0.3, y - r * 0.1, r * 0.6, Math.max(0.5, r * 0.2));
  }
  ctx.globalAlpha = 1;
}

/**
 * Draws a seat that the person has chosen (dark, with a tick) or holds already (green, with a tick).
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 * @param {number} r
 * @param {boolean} mine
 */
export function paintChosen(ctx, x, y, r, mine) {
  ctx.fillStyle = INK.paper;
  blob(ctx, x, y, r + Math.max(1.5, r * 0.22), false);
  ctx.fillStyle = mine ? INK.mine : INK.chosen;
  blob(ctx, x, y, r, false);
  ctx.strokeStyle = INK.paper;
  ctx.lineWidth = Math.max(1, r * 0.24);
  ctx.lineCap = ctx.lineJoin = "round";
  ctx.beginPath();
  ctx.moveTo(x - r * 0.4, y + r * 0.02);
  ctx.lineTo(x - r * 0.1, y + r * 0.32);
  ctx.lineTo(x + r * 0.42, y - r * 0.3);
  ctx.stroke();
}

/** @param {CanvasRenderingContext2D} ctx @param {number} x @param {number} y @param {number} r @param {boolean} square */
function blob(ctx, x, y, r, square) {
  if (r < 1.6) {
    ctx.fillRect(x - r, y - r, r * 2, r * 2);
    return;
  }
  ctx.beginPath();
  if (square) ctx.roundRect(x - r, y - r, r * 2, r * 2, r * 0.35);
  else ctx.arc(x, y, r, 0, Math.PI * 2);
  ctx.fill();
}

/** @param {CanvasRenderingContext2D} ctx @param {number} x @param {number} y @param {number} r @param {number} kind */
function mark(ctx, x, y, r, kind) {
  ctx.fillStyle = inkOn(String(ctx.fillStyle));
  if (kind === 3) {
    ctx.beginPath();
    ctx.arc(x, y, r * 0.75, Math.PI * 0.25, Math.PI * 1.25);
    ctx.fill();
    return;
  }
  ctx.beginPath();
  ctx.arc(x, y, r * (kind === 1 ? 0.45 : 0.22), 0, Math.PI * 2);
  ctx.fill();
}

/** @param {CanvasRenderingContext2D} ctx @param {number} x @param {number} y @param {number} r @param {string} color @param {number} width */
function cross(ctx, x, y, r, color, width) {
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.lineCap = "butt";
  ctx.beginPath();
  ctx.moveTo(x - r, y - r);
  ctx.lineTo(x + r, y + r);
  ctx.moveTo(x + r, y - r);
  ctx.lineTo(x - r, y + r);
  ctx.stroke();
}

/**
 * A colour mixed with white.
 * @param {string} color `#rrggbb`
 * @param {number} strength 1 = the colour itself, 0 = white
 */
export function tint(color, strength) {
  const value = Number.parseInt(color.slice(1), 16);
  const channel = (/** @type {number} */ shift) => Math.round(255 - (255 - ((value >> shift) & 255)) * strength);
  return `rgb(${channel(16)} ${channel(8)} ${channel(0)})`;
}

/**
 * The ink that can be read on a colour.
 * @param {string} color `#rrggbb`
 */
export function inkOn(color) {
  const value = Number.parseInt(color.slice(1), 16);
  const light = 0.299 * ((value >> 16) & 255) + 0.587 * ((value >> 8) & 255) + 0.114 * (value & 255);
  return light > 150 ? INK.chosen : INK.paper;
}
