// Talking to the server: one function that retries safely, keeps the server's clock, and turns problems into sentences.

/** A refusal or a failure, with something a person can act on as its message. */
export class ApiError extends Error {
  /**
   * @param {string} message what to say
   * @param {{status?: number, code?: string, problem?: any, unknown?: boolean}} [facts]
   */
  constructor(message, facts = {}) {
    super(message);
    this.status = facts.status ?? 0;
    this.code = facts.code ?? "network";
    this.problem = facts.problem ?? {};
    /** Whether the request may have taken effect: keep its key and try again. */
    this.unknown = facts.unknown ?? false;
  }
}

const ADVICE = /** @type {Record<string, string>} */ ({
  seat_unavailable: "Somebody was faster: one or more of these seats are taken. The rest of your choice is still there.",
  nothing_fits: "No block of that many seats is left together. Try fewer, or pick single seats on the map.",
  hold_expired: "The time to pay is over and the seats were given back. Choose again.",
  hold_ended: "These seats are no longer held for you. Choose again.",
  payment_declined: "The card was declined. Your seats are still held: try another card before the time runs out.",
  price_changed: "The price has changed since you looked. Check the new total and confirm again.",
  orphan_seats: "This choice would leave a single seat between taken ones. Move by one seat, or take it too.",
  sale_not_on: "Tickets for this event are not on sale right now.",
  no_quorum: "Booking is not possible this second; nothing was booked. Please try again in a moment.",
  overloaded: "Very many people are booking right now; nothing was booked. Please try again in a moment.",
  outcome_unknown: "The answer got lost on the way. Try again: you will not be charged twice.",
  payment_in_progress: "Your payment is being processed. Please wait a moment.",
  rate_limited: "That was too fast. Wait a few seconds and try again.",
  too_soon: "That was too fast. Wait a few seconds and try again.",
  bad_credentials: "E-mail or password is wrong.",
  email_taken: "There is an account with this e-mail already. Log in instead.",
  unauthenticated: "Please log in first.",
  not_found: "This does not exist, or is not yours.",
  link_over: "This link was used already, or is too old. Ask for another one.",
  internal: "Something went wrong on our side. Look at your tickets before you try again.",
});

/**
 * Makes a readable message from a problem document.
 * @param {number} status
 * @param {any} problem
 */
export function explain(status, problem) {
  const code = problem?.code ?? "";
  if (code === "validation_failed" && problem.errors?.length) {
    return problem.errors.map((/** @type {any} */ error) => error.detail ?? error.code).join(" ");
  }
  if (code === "limit_reached" && problem.limit) {
    return `One person may have ${problem.limit} tickets for this event; you have ${problem.have ?? 0} already.`;
  }
  if (ADVICE[code]) return ADVICE[code];
  if (problem?.detail) return problem.detail;
  if (problem?.title) return problem.title;
  if (status === 401) return ADVICE.unauthenticated;
  if (status === 404) return ADVICE.not_found;
  if (status === 429) return ADVICE.rate_limited;
  if (status >= 500) return "The server could not answer. Please try again in a moment.";
  return `The server said no (${status}).`;
}

/** A fresh idempotency key. Works outside secure contexts too. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * How long to wait before the next attempt: the server's wish, or doubling with jitter.
 * @param {number} attempt from 0
 * @param {string | null} retryAfter header, in seconds
 * @param {() => number} random
 */
export function backoff(attempt, retryAfter, random = Math.random) {
  const asked = Number(retryAfter);
  if (retryAfter && Number.isFinite(asked)) return Math.min(asked * 1000, 5000) + random() * 250;
  return Math.min(200 * 2 ** attempt, 3000) * (0.5 + random() / 2);
}

/**
 * Reads a body. What is not JSON is only acceptable beside an error status (a proxy's page, say).
 * @param {string} text
 * @param {boolean} mustParse
 */
function parse(text, mustParse) {
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    if (mustParse) throw new ApiError("The server's answer could not be read. Reload the page.", { code: "unreadable", unknown: true });
    return {};
  }
}

const sleep = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));

/** One server, one session. */
export class Api {
  /**
   * @param {{fetch?: typeof fetch, sleep?: (ms: number) => Promise<any>, attempts?: number}} [seams] for tests
   */
  constructor(seams = {}) {
    this.fetch = seams.fetch ?? ((/** @type {any} */ url, /** @type {any} */ init) => fetch(url, init));
    this.sleep = seams.sleep ?? sleep;
    this.attempts = seams.attempts ?? 8;
    /** @type {string | null} */
    this.token = null;
    /** How far the server's clock is ahead of ours, in milliseconds. */
    this.clockAhead = 0;
    /** Asked when the token is no longer good; gives whether to try again, true at most once in a row. @type {(() => Promise<boolean>) | null} */
    this.renew = null;
  }

  /** The server's clock, as well as it is known. */
  now() {
    return Date.now() + this.clockAhead;
  }

  /** A file as it is, such as a ticket's drawing. @param {string} path @returns {Promise<Blob>} */
  async file(path) {
    for (let renewed = false; ; renewed = true) {
      /** @type {Record<string, string>} */
      const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
      const response = await this.fetch(path, { headers, credentials: "same-origin", signal: AbortSignal.timeout(15_000) });
      if (response.ok) return response.blob();
      if (response.status === 401 && !renewed && this.renew && (await this.renew())) continue;
      const problem = await response.json().catch(() => ({}));
      throw new ApiError(explain(response.status, problem), { status: response.status, code: problem.code, problem });
    }
  }

  /** @param {string} path */
  get(path) {
    return this.request("GET", path);
  }

  /**
   * @param {string} path
   * @param {any} body
   * @param {{key?: string, onRetry?: (reason: string) => void}} [options]
   */
  post(path, body, options) {
    return this.request("POST", path, { body, key: options?.key ?? newKey(), onRetry: options?.onRetry });
  }

  /**
   * Sends a request until its outcome is known, at most `attempts` times; every attempt carries the same key, so a
   * repeated one gets the first outcome.
   * @param {string} method
   * @param {string} path
   * @param {{body?: any, key?: string, onRetry?: (reason: string) => void}} [options]
   * @returns {Promise<any>} the parsed body; its HTTP status is in `$status`, its revision in `$revision`
   */
  async request(method, path, options = {}) {
    let renewed = false;
    for (let attempt = 0; ; attempt++) {
      const { response, problem } = await this.once(method, path, options);
      if (response?.ok) return problem;
      const status = response?.status ?? 0;
      const stale = status === 401 && problem?.code !== "bad_credentials" && !path.startsWith("/session");
      if (stale && !renewed && this.renew && (renewed = await this.renew())) continue;
      const code = problem?.code ?? (status === 0 ? "network" : String(status));
      const again = status === 0 || [429, 502, 503, 504].includes(status) || code === "idempotency_in_flight";
      if (again && attempt + 1 < this.attempts) {
        options.onRetry?.(status === 0 ? "No connection. Trying again ..." : "The server is busy. Trying again ...");
        await this.sleep(backoff(attempt, response?.headers.get("retry-after") ?? null));
        continue;
      }
      const unknown = method !== "GET" && (status === 0 || (status >= 500 && status !== 503));
      const message = status === 0 ? "No connection to the server. Check your network and try again." : explain(status, problem);
      throw new ApiError(message, { status, code, problem, unknown });
    }
  }

  /**
   * One attempt.
   * @param {string} method
   * @param {string} path
   * @param {{body?: any, key?: string}} options
   * @returns {Promise<{response: Response | null, problem: any}>}
   */
  async once(method, path, options) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    if (options.body !== undefined) headers["Content-Type"] = "application/json";
    if (options.key) headers["Idempotency-Key"] = options.key;
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    const sent = Date.now();
    try {
      const response = await this.fetch(path, {
        method,
        headers,
        body: options.body === undefined ? undefined : JSON.stringify(options.body),
        credentials: "same-origin",
        signal: AbortSignal.timeout(15_000),
      });
      this.readClock(response.headers.get("date"), sent);
      const text = await response.text();
      const body = parse(text, response.ok);
      if (response.ok && typeof body === "object") {
        Object.defineProperty(body, "$status", { value: response.status });
        Object.defineProperty(body, "$revision", { value: response.headers.get("boxoffice-revision") });
      }
      return { response, problem: body };
    } catch (error) {
      if (error instanceof ApiError) throw error;
      return { response: null, problem: null };
    }
  }

  /**
   * Follows the server's clock, to the second it is given in; only a difference that matters is taken over.
   * @param {string | null} header
   * @param {number} sent
   */
  readClock(header, sent) {
    const server = header ? Date.parse(header) : NaN;
    if (Number.isNaN(server)) return;
    const ahead = server + 500 - (sent + Date.now()) / 2;
    this.clockAhead = Math.abs(ahead) > 1500 ? ahead : 0;
  }
}
