// One event: its map, list and tray, kept live over the socket.

import { Checkout } from "../checkout.js";
import { fill, h, icon, toast } from "../dom.js";
import { dateParts, money, pictureOf, saleText } from "../format.js";
import { LiveSeats } from "../live.js";
import { SeatModel } from "../map/model.js";
import { decodeStates, SeatStates } from "../map/state.js";
import { Prices } from "../prices.js";
import { MapPane } from "./mappane.js";
import { SeatList } from "./seatlist.js";
import { Tray } from "./tray.js";

/**
 * @param {import("../app.js").App} app
 * @param {string} id
 * @returns {Promise<() => void>} ends the view
 */
export async function showEvent(app, id) {
  fill(app.main, h("p", { class: "loading" }, "Loading the map ..."));
  try {
    const [event, map] = await Promise.all([app.api.get(`/event/${id}?expand=venue,performers`), app.api.get(`/event/${id}/seat`)]);
    const layout = await app.api.get(`/layout/${map.layout}`);
    const view = new EventView(app, event, map, layout);
    await view.begin();
    return () => view.end();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    fill(app.main, h("div", { class: "empty" }, h("p", { role: "alert" }, message), h("a", { class: "button", href: "#/" }, "See all events")));
    return () => {};
  }
}

class EventView {
  /** @param {import("../app.js").App} app @param {any} event @param {any} map @param {any} layout */
  constructor(app, event, map, layout) {
    this.app = app;
    this.event = event;
    this.layoutId = map.layout;
    this.model = new SeatModel(layout);
    this.seats = new SeatStates(this.model.section, this.model.sections.length);
    this.seats.replace(decodeStates(map.states, this.model.count), indexOf(map.$revision));
    this.prices = new Prices(map.prices);
    /** Free places by area name. @type {Map<string, number>} */
    this.areaFree = new Map(map.counts.map((/** @type {any} */ one) => [one.section, one.available]));
    this.checkout = new Checkout(app.api, event.id, this.model, this.seats, localStorage, event.per_user_limit ?? 0);
    this.pane = new MapPane(this);
    this.list = new SeatList(this);
    this.tray = new Tray(this);
  }

  async begin() {
    const { checkout } = this;
    document.title = `${this.event.name} - boxoffice`;
    fill(this.app.main, this.draw());
    this.pane.start();
    checkout.changed = () => this.redraw();
    checkout.conflicted = (conflicts, alternative) => this.conflict(conflicts, alternative);
    this.live = new LiveSeats(this.event.id, {
      rev: () => this.seats.rev,
      snapshot: (message) => this.snapshot(message),
      delta: (message) => this.delta(message),
      status: (state) => this.status(state),
    });
    this.ticker = setInterval(() => this.tray.tick(), 500);
    this.redraw();
    const resume = () => this.app.session.user && checkout.restore();
    this.resume = resume;
    this.app.session.listeners.add(resume);
    await resume();
  }

  end() {
    this.live?.close();
    clearInterval(this.ticker);
    if (this.resume) this.app.session.listeners.delete(this.resume);
    this.pane.stop();
  }

  draw() {
    const { event } = this;
    const when = dateParts(event.starts_at, event.time_zone);
    const where = [event.venue?.name, event.venue?.city].filter(Boolean).join(", ");
    this.liveMark = h("span", { class: "live connecting" }, "Connecting");
    this.saleMark = h("span", { class: "avail" });
    this.mapTab = h("button", { type: "button", role: "tab", id: "tab-map", "aria-controls": "pane-map", onclick: () => this.show("map") }, "Map");
    this.listTab = h("button", { type: "button", role: "tab", id: "tab-list", "aria-controls": "pane-list", onclick: () => this.show("list") }, "List of seats");
    const node = h(
      "div",
      { class: "eventview" },
      h(
        "div",
        { class: "eventhead" },
        h("a", { class: "plain backlink", href: "#/", "aria-label": "All events" }, icon("back")),
        h("img", { class: "thumb", src: pictureOf(event, 320), alt: "", width: 80, height: 45 }),
        h("div", { class: "eventtitle" }, h("h1", null, event.name), h("p", null, `${when.long} · ${where}`)),
        h("div", { class: "eventstate" }, this.saleMark, this.liveMark),
        h("div", { class: "tabs", role: "tablist", "aria-label": "How to choose seats" }, this.listTab, this.mapTab),
      ),
      h("div", { class: "stage" }, this.pane.node, this.list.node),
      this.tray.node,
    );
    this.show("map");
    return node;
  }

  /** @param {"map" | "list"} which */
  show(which) {
    this.pane.node.hidden = which !== "map";
    this.list.node.hidden = which !== "list";
    this.mapTab.setAttribute("aria-selected", String(which === "map"));
    this.listTab.setAttribute("aria-selected", String(which === "list"));
    if (which === "map") this.pane.map.resize();
    else this.list.draw();
  }

  /** Something about the choice or the hold changed. */
  redraw() {
    this.pane.choice();
    this.tray.draw();
    this.list.refresh();
    this.counts();
  }

  counts() {
    const areas = this.model.areas.reduce((sum, area) => sum + (this.areaFree.get(area.name) ?? 0), 0);
    const sale = saleText({ ...this.event.sale, available: this.seats.totalFree() + areas });
    this.saleMark.textContent = sale.text;
    this.saleMark.className = `avail ${sale.tone}`;
  }

  /** @param {any} message */
  snapshot(message) {
    if (message.layout && message.layout !== this.layoutId) return location.reload();
    const before = this.seats.states.slice();
    this.after(this.seats.replace(decodeStates(message.state, this.model.count), message.rev), before, message);
  }

  /** @param {any} message */
  delta(message) {
    const before = new Map((message.set ?? []).map((/** @type {[number, number]} */ [seat]) => [seat, this.seats.states[seat]]));
    this.after(this.seats.apply(message.set ?? [], message.rev), before, message);
  }

  /**
   * @param {number[]} changed
   * @param {Map<number, number> | Uint8Array} before
   * @param {{agg?: Record<string, number[]>, sale?: string, prices?: any}} message counts (available, held, sold by section or area), how the
   *   sale stands, and prices
   */
  after(changed, before, { agg = {}, sale, prices }) {
    if (sale) this.event.sale = { ...this.event.sale, state: sale };
    for (const [name, [available]] of Object.entries(agg)) this.areaFree.set(name, available);
    this.pane.changed(changed, (seat) => (before instanceof Map ? before.get(seat) : before[seat]) ?? 0);
    this.checkout.sawChanges(changed);
    this.repriced(this.prices.take(prices));
    this.list.refresh();
    this.counts();
  }

  /** Prices moved. @param {{level: number, from: number, amount: number}[]} changed */
  repriced(changed) {
    if (changed.length === 0) return;
    this.pane.legend();
    this.tray.draw();
    const { currency } = this.prices;
    for (const { level, from, amount } of changed) {
      const name = this.model.levels[level]?.name ?? "";
      toast(`${name} costs ${money({ amount, currency })} now, not ${money({ amount: from, currency })}.`);
    }
  }

  async reprice() {
    try {
      const map = await this.app.api.get(`/event/${this.event.id}/seat`);
      this.prices.list = map.prices;
      this.pane.legend();
      this.redraw();
    } catch {
      // The next message or hold brings the right price; a hold is never dearer than was agreed to.
    }
  }

  /** @param {"live" | "connecting" | "lost"} state */
  status(state) {
    const words = { live: "Live", connecting: "Connecting", lost: "Not live" };
    this.liveMark.className = `live ${state}`;
    this.liveMark.textContent = words[state];
  }

  /**
   * Seats of the choice were taken by somebody else.
   * @param {import("../checkout.js").Conflict[]} conflicts
   * @param {import("../checkout.js").Alternative | null} alternative
   */
  conflict(conflicts, alternative) {
    const changed = this.seats.apply(conflicts.map(({ seat, state }) => [seat, state]));
    this.pane.changed(changed, () => 0);
    const names = conflicts.map(({ seat }) => this.model.label(seat)).join(", ");
    const taken = `${names || "A seat"} ${conflicts.length > 1 ? "were" : "was"} just taken.`;
    if (!alternative || alternative.seats.some((seat) => seat < 0)) return toast(taken, null, "error");
    const fresh = alternative.seats.filter((seat) => !this.checkout.chosen.has(seat));
    const total = alternative.total ?? this.prices.total(this.model, alternative.seats, new Map());
    const offer = fresh.map((seat) => this.model.label(seat)).join(", ");
    toast(`${taken} Next best: ${offer} (${money(total)} in all).`, { label: "Take it", run: () => this.takeInstead(alternative) }, "error");
  }

  /** @param {import("../checkout.js").Alternative} alternative */
  takeInstead(alternative) {
    this.checkout.take(alternative);
    if (!this.pane.node.hidden) this.pane.input.showSeats(alternative.seats);
  }

  /** Makes sure somebody is logged in, then runs. @param {() => Promise<any> | undefined} action */
  async asUser(action) {
    const why = "Seats are held for a person, so that nobody else can take them while you pay.";
    if (!this.app.session.user && !(await this.app.logIn(why))) return;
    await action();
    if (this.checkout.repriced) await this.reprice();
    const held = this.checkout.heldSeats();
    if (this.checkout.phase === "held" && held.length > 0 && !this.pane.node.hidden) this.pane.input.showSeats(held);
  }
}

/** The log index in a revision (`group:index`, perhaps with an incarnation); 0 when there is none. @param {string | null} revision */
export const indexOf = (revision) => Number(revision?.split(":")[1]) || 0;
