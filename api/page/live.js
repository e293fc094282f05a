// The live seat map's socket: which message may be applied, and staying connected.

/**
 * What to do with a message, given the last revision that was applied. A delta gives states, not differences, so one that
 * begins before our revision and ends after it may be applied; one that begins after it leaves a gap. Pure.
 * @param {number} rev
 * @param {any} message
 * @returns {"snapshot" | "apply" | "skip" | "ask" | "resync" | "bye" | "other"}
 */
export function judge(rev, message) {
  switch (message?.type) {
    case "snapshot":
      return message.rev < rev ? "skip" : "snapshot";
    case "delta":
      if (message.rev <= rev) return "skip";
      return message.prev <= rev ? "apply" : "ask";
    case "resync":
    case "bye":
      return message.type;
    default:
      return "other";
  }
}

/**
 * How long to wait before connecting again: doubling up to 10 s, half of it at random.
 * @param {number} attempt from 0
 * @param {() => number} random
 */
export const reconnectDelay = (attempt, random = Math.random) => Math.min(500 * 2 ** attempt, 10_000) * (0.5 + random() / 2);

/** Close codes after which trying again is pointless. */
const FINAL_CODES = [4403, 4404];

/**
 * @typedef {object} Handlers
 * @property {() => number} rev the revision that is applied
 * @property {(message: any) => void} snapshot
 * @property {(message: any) => void} delta
 * @property {(state: "live" | "connecting" | "lost") => void} [status]
 */

/** One event's live connection; reconnects by itself until closed. */
export class LiveSeats {
  /**
   * @param {string} event id
   * @param {Handlers} handlers
   * @param {{open?: (url: string) => WebSocket, later?: (run: () => void, ms: number) => any}} [seams] for tests
   */
  constructor(event, handlers, seams = {}) {
    this.handlers = handlers;
    this.url = `${globalThis.location?.protocol === "https:" ? "wss" : "ws"}://${globalThis.location?.host}/event/${event}/seat/live`;
    this.open = seams.open ?? ((url) => new WebSocket(url, "boxoffice.seat.v1"));
    this.later = seams.later ?? ((run, ms) => setTimeout(run, ms));
    this.attempt = 0;
    this.closed = false;
    /** Gaps since the last message that fitted: the first is asked for as a delta, then as a snapshot. */
    this.gaps = 0;
    /** Whether the next snapshot is taken whatever its revision: the server said that we fell behind and sends one. */
    this.anew = false;
    /** Delay asked for by a node that is going away. @type {[number, number] | null} */
    this.asked = null;
    this.connect();
  }

  connect() {
    if (this.closed) return;
    this.handlers.status?.("connecting");
    const socket = this.open(this.url);
    this.socket = socket;
    socket.onopen = () => {
      this.subscribe(this.handlers.rev());
      this.handlers.status?.("live");
    };
    socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    socket.onclose = (event) => this.retry(event.code);
  }

  /** @param {number} since 0 asks for a snapshot */
  subscribe(since) {
    this.anew = since === 0;
    this.socket?.send(JSON.stringify(since > 0 ? { type: "subscribe", since } : { type: "subscribe" }));
  }

  /** @param {any} message */
  receive(message) {
    const rev = this.handlers.rev();
    const verdict = this.anew && message.type === "delta" ? "skip" : judge(this.anew ? 0 : rev, message);
    this.attempt = 0;
    if (verdict === "snapshot") this.anew = false;
    if (verdict === "resync") this.anew = true;
    if (verdict === "snapshot") this.handlers.snapshot(message);
    if (verdict === "apply") this.handlers.delta(message);
    if (verdict === "ask") this.subscribe(this.gaps++ === 0 ? rev : 0);
    if (verdict === "snapshot" || verdict === "apply") this.gaps = 0;
    if (verdict === "bye") this.asked = Array.isArray(message.reconnect_ms) ? message.reconnect_ms : null;
  }

  /** @param {number} code */
  retry(code) {
    if (this.closed) return;
    this.handlers.status?.(FINAL_CODES.includes(code) ? "lost" : "connecting");
    if (FINAL_CODES.includes(code)) return;
    const [low, high] = this.asked ?? [0, 0];
    const wait = this.asked ? low + Math.random() * (high - low) : reconnectDelay(this.attempt++);
    this.asked = null;
    this.later(() => this.connect(), wait);
  }

  close() {
    this.closed = true;
    this.socket?.close();
  }
}
