// One person's way through an event: choose, hold, pay. Knows no DOM; says when something changed.

import { ApiError, newKey } from "./api.js";
import { FREE } from "./map/state.js";

/**
 * @typedef {"choosing" | "holding" | "held" | "paying" | "pending" | "done"} Phase
 * @typedef {{seat: number, state: number}} Conflict
 * @typedef {{seats: number[], total: any}} Alternative
 * @typedef {{getItem(key: string): string | null, setItem(key: string, value: string): void, removeItem(key: string): void}} Store
 */

/** The states of a hold that still can be paid. */
const ALIVE = ["active", "expiring", "paying"];

export class Checkout {
  /**
   * @param {import("./api.js").Api} api
   * @param {string} event id
   * @param {import("./map/model.js").SeatModel} model
   * @param {import("./map/state.js").SeatStates} seats
   * @param {Store} store survives a reload
   * @param {number} limit most places one person may have; 0 = no limit
   */
  constructor(api, event, model, seats, store, limit = 0) {
    this.api = api;
    this.event = event;
    this.model = model;
    this.seats = seats;
    this.store = store;
    this.limit = limit;
    this.place = `boxoffice.hold.${event}`;
    /** @type {Phase} */
    this.phase = "choosing";
    /** @type {Set<number>} */
    this.chosen = new Set();
    /** Places wanted in areas, by area number. @type {Map<number, number>} */
    this.areas = new Map();
    /** A promo code, as the person wrote it. */
    this.promo = "";
    /** @type {any} */
    this.hold = null;
    /** @type {any} */
    this.order = null;
    /** What to tell the person, if anything. @type {string} */
    this.notice = "";
    /** The request under way or of unknown outcome: the same body keeps its key. @type {{body: string, key: string} | null} */
    this.intent = null;
    /** Whether the last hold was refused because prices have moved. */
    this.repriced = false;
    /** @type {() => void} */
    this.changed = () => {};
    /** @type {(conflicts: Conflict[], alternative: Alternative | null) => void} */
    this.conflicted = () => {};
  }

  /** The seats of the hold, as numbers. @returns {number[]} */
  heldSeats() {
    return (this.hold?.seats ?? []).map((/** @type {any} */ one) => this.model.find(seatKey(one))).filter((/** @type {number} */ seat) => seat >= 0);
  }

  /** How many places are chosen in all. */
  quantity() {
    return this.chosen.size + [...this.areas.values()].reduce((sum, quantity) => sum + quantity, 0);
  }

  /** Chooses a seat or gives it up. @param {number} seat @returns {boolean} whether anything changed */
  toggle(seat) {
    if (this.phase !== "choosing") return false;
    if (!this.chosen.delete(seat)) {
      if (this.seats.states[seat] !== FREE || this.full()) return false;
      this.chosen.add(seat);
    }
    this.notice = "";
    this.changed();
    return true;
  }

  /** Whether nothing more may be chosen; says so. */
  full() {
    if (this.limit === 0 || this.quantity() < this.limit) return false;
    this.tell(`One person may have ${this.limit} tickets for this event.`);
    return true;
  }

  /** @param {number} area @param {number} quantity */
  setArea(area, quantity) {
    if (quantity > (this.areas.get(area) ?? 0) && this.full()) return;
    if (quantity > 0) this.areas.set(area, quantity);
    else this.areas.delete(area);
    this.notice = "";
    this.changed();
  }

  clear() {
    this.chosen.clear();
    this.areas.clear();
    this.notice = "";
    this.changed();
  }

  /**
   * The live map changed: seats that somebody else took leave the choice.
   * @param {number[]} changed
   */
  sawChanges(changed) {
    if (this.phase !== "choosing") return;
    const lost = changed.filter((seat) => this.chosen.has(seat) && this.seats.states[seat] !== FREE);
    if (lost.length > 0) this.lose(lost.map((seat) => ({ seat, state: this.seats.states[seat] })), null);
  }

  /** @param {Conflict[]} conflicts @param {Alternative | null} alternative */
  lose(conflicts, alternative) {
    for (const { seat } of conflicts) this.chosen.delete(seat);
    if (!alternative && conflicts.length === 1) {
      const { seat } = conflicts[0];
      const other = this.model.nextBest(seat, (at) => this.seats.states[at] === FREE && !this.chosen.has(at));
      if (other >= 0) alternative = { seats: [...this.chosen, other], total: null };
    }
    this.conflicted(conflicts, alternative);
    this.changed();
  }

  /** Takes what was proposed instead. @param {Alternative} alternative */
  take(alternative) {
    if (this.phase !== "choosing") return;
    this.chosen = new Set(alternative.seats.filter((seat) => this.seats.states[seat] === FREE));
    this.notice = "";
    this.changed();
  }

  /**
   * Holds what is chosen.
   * @param {import("./format.js").Money} [expected] the total that the person saw
   */
  holdChosen(expected) {
    const body = {};
    if (this.chosen.size > 0) Object.assign(body, { seats: [...this.chosen].sort((a, b) => a - b) });
    const areas = [...this.areas].map(([area, quantity]) => ({ area, quantity }));
    if (areas.length > 0) Object.assign(body, { areas });
    if (expected) Object.assign(body, { expect_total: expected });
    return this.holdWith(body);
  }

  /** Holds the best seats left. @param {number} quantity @param {{section?: string}} [wish] */
  holdBest(quantity, wish = {}) {
    return this.holdWith({ best: { quantity, ...wish } });
  }

  /** @param {any} body */
  async holdWith(body) {
    if (this.phase !== "choosing") return;
    const promo = this.promo.trim();
    if (promo) body = { ...body, promo };
    this.repriced = false;
    this.enter("holding");
    try {
      const hold = await this.api.post(`/event/${this.event}/hold`, body, { key: this.keyFor(body), onRetry: (text) => this.tell(text) });
      this.intent = null;
      this.chosen.clear();
      this.areas.clear();
      this.promo = "";
      this.keep(hold);
      this.enter("held");
    } catch (error) {
      this.refused(error);
      this.enter("choosing", error instanceof Error ? error.message : String(error));
    }
  }

  /** A refused hold: the conflicting seats leave the choice. @param {unknown} error */
  refused(error) {
    if (!(error instanceof ApiError) || error.unknown) return;
    this.intent = null;
    this.repriced = error.code === "price_changed";
    if (error.code !== "seat_unavailable") return;
    const conflicts = (error.problem.conflicts ?? [])
      .map((/** @type {any} */ one) => ({ seat: this.model.find(seatKey(one)), state: one.state }))
      .filter((/** @type {Conflict} */ one) => one.seat >= 0);
    const first = (error.problem.alternatives ?? [])[0];
    const alternative = first && { seats: first.seats.map((/** @type {any} */ one) => this.model.find(seatKey(one))), total: first.total ?? null };
    this.lose(conflicts, alternative ?? null);
  }

  /** Gives the hold back. */
  async release() {
    if (!this.hold || this.phase !== "held") return;
    const { id } = this.hold;
    try {
      await this.api.request("DELETE", `/event/${this.event}/hold/${id}`, { key: newKey() });
      this.drop("");
    } catch (error) {
      if (error instanceof ApiError && [404, 409, 410].includes(error.status)) this.drop("");
      else this.tell(error instanceof Error ? error.message : String(error));
    }
  }

  /** Pays the hold. @param {string} method a provider token */
  async pay(method) {
    if (!this.hold || this.phase !== "held") return;
    const body = { payment_method: method };
    this.enter("paying");
    try {
      const path = `/event/${this.event}/hold/${this.hold.id}/pay`;
      const key = this.keyFor({ pay: this.hold.id, method });
      const answer = await this.api.post(path, body, { key, onRetry: (text) => this.tell(text) });
      this.intent = null;
      if (answer.$status === 202) {
        this.keep({ ...this.hold, ...answer });
        this.wait();
      } else this.finish(answer);
    } catch (error) {
      if (error instanceof ApiError && error.code === "payment_in_progress") return this.wait();
      if (error instanceof ApiError && !error.unknown) this.intent = null;
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof ApiError && (error.status === 410 || error.status === 404)) this.drop(message);
      else this.enter("held", message);
    }
  }

  /** Payment is under way at the provider: look again until it is decided. */
  async wait() {
    this.phase = "pending";
    this.enter("pending", this.waitingFor());
    while (this.phase === "pending" && this.hold) {
      await this.api.sleep(1000);
      await this.look();
    }
  }

  /** What the payment waits for, in words. */
  waitingFor() {
    return this.bankPage() ? "Your bank wants you to confirm this payment." : "Your bank has not answered yet. Your seats stay yours until it has.";
  }

  /** Where the person has to confirm the payment (3-D Secure), if they have to. @returns {string | null} */
  bankPage() {
    const url = this.phase === "pending" ? this.hold?.next_action?.url : null;
    return typeof url === "string" && /^https?:\/\//.test(url) ? url : null;
  }

  /** Asks how the hold stands and follows it. */
  async look() {
    if (!this.hold) return;
    try {
      const hold = await this.api.get(`/event/${this.event}/hold/${this.hold.id}`);
      if (hold.state === "converted") return this.finish({ ...hold, id: hold.order ?? null });
      if (!ALIVE.includes(hold.state)) return this.drop("The time to pay is over and the seats were given back. Choose again.");
      this.keep(hold);
      if (this.phase === "pending" && this.notice !== this.waitingFor()) this.tell(this.waitingFor());
      if (hold.state !== "paying" && this.phase === "pending") this.enter("held", "The payment did not go through. Your seats are still held.");
      if (hold.state === "paying" && this.phase === "held") this.wait();
    } catch (error) {
      if (error instanceof ApiError && [404, 410].includes(error.status)) this.drop("");
    }
  }

  /** Takes up a hold from before a reload. Needs a session. */
  async restore() {
    const saved = this.store.getItem(this.place);
    if (!saved || this.hold) return;
    try {
      const { hold, intent } = JSON.parse(saved);
      this.hold = hold;
      this.intent = intent ?? null;
      this.enter("held");
    } catch {
      this.store.removeItem(this.place);
      return;
    }
    await this.look();
  }

  /** The countdown has ended. */
  expired() {
    if (this.phase === "held") this.drop("The time to pay is over and the seats were given back. Choose again.");
  }

  /** @param {any} answer an order */
  finish(answer) {
    this.order = { ...answer, seats: this.hold?.seats ?? [], areas: this.hold?.areas ?? [], total: answer.total ?? this.hold?.total };
    this.hold = null;
    this.store.removeItem(this.place);
    this.enter("done");
  }

  /** The hold is gone. @param {string} why */
  drop(why) {
    this.hold = null;
    this.intent = null;
    this.store.removeItem(this.place);
    this.enter("choosing", why);
  }

  /** Ready for the next purchase. */
  again() {
    this.order = null;
    this.enter("choosing");
  }

  /** @param {any} hold */
  keep(hold) {
    this.hold = hold;
    this.save();
  }

  save() {
    if (this.hold) this.store.setItem(this.place, JSON.stringify({ hold: this.hold, intent: this.intent }));
  }

  /** The key of a request: a repeated one (its outcome was unknown) keeps its key. @param {any} body */
  keyFor(body) {
    const text = JSON.stringify(body);
    if (this.intent?.body !== text) this.intent = { body: text, key: newKey() };
    this.save();
    return this.intent.key;
  }

  /** @param {Phase} phase @param {string} [notice] */
  enter(phase, notice = "") {
    this.phase = phase;
    this.notice = notice;
    this.changed();
  }

  /** @param {string} text */
  tell(text) {
    this.notice = text;
    this.changed();
  }
}

/** What a seat is called in an answer: index, label, or an object with either. @param {any} one @returns {number | string} */
const seatKey = (one) => (typeof one === "object" && one !== null ? (one.index ?? one.seat) : one);
