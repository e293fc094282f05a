// How amounts, dates and counts are written. Pure.

/** @typedef {{amount: number, currency: string}} Money Minor units and an ISO 4217 code. */

const LOCALE = "en";

/**
 * Digits after the point of a currency (2 for EUR, 0 for JPY).
 * @param {string} currency
 */
export function digits(currency) {
  try {
    return new Intl.NumberFormat(LOCALE, { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

/**
 * An amount for people: `€125`, `€12.50`, `Free`.
 * @param {Money | null | undefined} money
 */
export function money(money) {
  if (!money) return "";
  if (money.amount === 0) return "Free";
  const places = digits(money.currency);
  const value = money.amount / 10 ** places;
  const whole = Number.isInteger(value);
  try {
    return new Intl.NumberFormat(LOCALE, {
      style: "currency",
      currency: money.currency,
      currencyDisplay: "narrowSymbol",
      minimumFractionDigits: whole ? 0 : places,
      maximumFractionDigits: places,
    }).format(value);
  } catch {
    return `${value.toFixed(places)} ${money.currency}`;
  }
}

/**
 * A count with separators.
 * @param {number} value
 */
export const count = (value) => new Intl.NumberFormat(LOCALE).format(value);

/**
 * `1 seat`, `2 seats`.
 * @param {number} value
 * @param {string} one
 * @param {string} [many]
 */
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/**
 * The parts of a moment at a venue, in the venue's own time zone.
 * @param {string} at RFC 3339
 * @param {string} [zone] IANA name; an unknown one falls back to UTC
 */
export function dateParts(at, zone) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return { day: "", month: "", weekday: "", year: "", time: "", long: "date to be announced" };
  const part = (/** @type {Intl.DateTimeFormatOptions} */ options) => {
    try {
      return new Intl.DateTimeFormat("en-GB", { timeZone: zone || "UTC", ...options }).format(date);
    } catch {
      return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options }).format(date);
    }
  };
  const time = part({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return {
    day: part({ day: "numeric" }),
    month: part({ month: "short" }),
    weekday: part({ weekday: "short" }),
    year: part({ year: "numeric" }),
    time,
    long: `${part({ weekday: "long", day: "numeric", month: "long", year: "numeric" })}, ${time}`,
  };
}

/**
 * What is left until a deadline.
 * @param {number} expiresAt milliseconds since the epoch, by the server's clock
 * @param {number} now the server's clock as far as it is known
 */
export function countdown(expiresAt, now) {
  const left = Math.max(0, Math.ceil((expiresAt - now) / 1000));
  const minutes = Math.floor(left / 60);
  const seconds = left % 60;
  return {
    seconds: left,
    over: left === 0,
    text: `${minutes}:${String(seconds).padStart(2, "0")}`,
    spoken: minutes > 0 ? plural(minutes, "minute") + (seconds ? ` ${plural(seconds, "second")}` : "") : plural(seconds, "second"),
  };
}

/** The moments at which a running countdown is said aloud, in seconds. */
export const ANNOUNCED = [300, 60, 15];

/**
 * Which announcement falls between two ticks of a countdown, if any.
 * @param {number} before seconds left at the previous tick
 * @param {number} after seconds left now
 */
export const announcement = (before, after) => ANNOUNCED.find((mark) => before > mark && after <= mark) ?? null;

/**
 * How a sale stands, in a word or two.
 * @param {{state?: string, available?: number, capacity?: number} | null | undefined} sale
 * @returns {{text: string, tone: "good" | "few" | "none" | "wait"}}
 */
export function saleText(sale) {
  if (!sale) return { text: "Not on sale yet", tone: "wait" };
  const state = sale.state ?? "on_sale";
  if (state === "cancelled") return { text: "Cancelled", tone: "none" };
  if (state === "paused") return { text: "Sale paused", tone: "wait" };
  if (["closed", "ended"].includes(state)) return { text: "Sale has ended", tone: "none" };
  if (state !== "on_sale") return { text: "Not on sale yet", tone: "wait" };
  const free = sale.available ?? 0;
  if (free === 0) return { text: "Sold out", tone: "none" };
  if (sale.capacity && free / sale.capacity < 0.1) return { text: `Only ${count(free)} left`, tone: "few" };
  return { text: `${count(free)} available`, tone: "good" };
}

/**
 * A seat's name for people.
 * @param {{section: string, row?: string, seat?: string}} place
 */
export function placeText({ section, row, seat }) {
  const parts = [section];
  if (row) parts.push(`row ${row}`);
  if (seat) parts.push(`seat ${seat}`);
  return parts.join(" · ");
}

/**
 * Where the picture of an event is: its first image not wider than this, or else its poster.
 * @param {{images?: {url: string}[], poster?: string}} event
 * @param {320 | 640 | 1280} width
 */
export function pictureOf(event, width) {
  const image = event.images?.[0];
  return image ? `${image.url}?width=${width}` : event.poster;
}
