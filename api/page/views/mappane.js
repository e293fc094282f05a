// The map's place on the page: canvas, zoom buttons, legend and the card beside the pointer.

import { fill, h, icon } from "../dom.js";
import { count, money, plural } from "../format.js";
import { MapInput } from "../map/input.js";
import { KIND_WORDS } from "../map/model.js";
import { SeatMap } from "../map/render.js";
import { FREE, STATE_WORDS } from "../map/state.js";
import { SEAT_CLICK, View } from "../map/view.js";

export class MapPane {
  /** @param {any} owner the event's view */
  constructor(owner) {
    this.owner = owner;
    const { model, seats } = owner;
    this.canvas = h("canvas", {
      class: "map",
      tabindex: "0",
      role: "img",
      "aria-label": `Seat map of ${owner.event.venue?.name ?? "the house"}. Arrow keys move it, plus and minus zoom. The list of seats offers the same choice.`,
    });
    this.card = h("div", { class: "hovercard", hidden: true });
    this.levels = h("div", { class: "legend", role: "group", "aria-label": "Price levels; choose one to see only its seats" });
    this.view = new View(model.box, model.pitch);
    this.map = new SeatMap(this.canvas, model, seats, this.view);
    this.map.areaFree = owner.areaFree;
    this.map.focalName = model.stage?.surrounded && owner.event.category === "sport" ? "Pitch" : "Stage";
    this.input = new MapInput(this.map, {
      click: (hit) => this.click(hit),
      hover: (hit, x, y) => this.hover(hit, x, y),
    });
    const tool = (/** @type {any} */ name, /** @type {string} */ label, /** @type {() => void} */ run) =>
      h("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick: run }, icon(name));
    this.node = h(
      "section",
      { class: "pane mappane", id: "pane-map", role: "tabpanel", "aria-labelledby": "tab-map" },
      h(
        "div",
        { class: "mapbox" },
        this.canvas,
        this.card,
        h(
          "div",
          { class: "tools" },
          tool("plus", "Zoom in", () => this.input.zoomBy(1.8)),
          tool("minus", "Zoom out", () => this.input.zoomBy(1 / 1.8)),
          tool("fit", "Show the whole house", () => this.input.showAll()),
        ),
      ),
      this.levels,
    );
    this.legend();
  }

  start() {
    this.watch = new ResizeObserver(() => this.map.resize());
    this.watch.observe(this.canvas);
    this.map.resize();
  }

  stop() {
    this.watch?.disconnect();
  }

  legend() {
    const { model, prices } = this.owner;
    const used = new Set([...model.level, ...model.areas.map((/** @type {any} */ area) => area.level)]);
    const chips = model.levels.map((/** @type {any} */ level, /** @type {number} */ index) => {
      if (!used.has(index)) return null;
      const pressed = this.map.look.only === index;
      return h(
        "button",
        { type: "button", class: "chip", "aria-pressed": String(pressed), onclick: () => this.only(pressed ? null : index) },
        h("i", { style: { background: level.color } }),
        h("span", null, level.name),
        h("b", null, money(prices.of(index))),
      );
    });
    const key = (/** @type {string} */ kind, /** @type {string} */ text) => h("span", { class: "key" }, h("i", { class: kind }), text);
    fill(this.levels, chips, h("span", { class: "keys" }, key("held", "being bought"), key("sold", "sold")));
  }

  /** @param {number | null} level */
  only(level) {
    this.map.filter(level);
    this.legend();
  }

  /** The choice or the hold changed. */
  choice() {
    const { checkout } = this.owner;
    this.map.chosen = checkout.chosen;
    this.map.mine = new Set([...checkout.heldSeats(), ...(checkout.order?.seats ?? []).map((/** @type {any} */ one) => this.owner.model.find(one.index ?? one.seat ?? one))]);
    this.map.mine.delete(-1);
    this.map.refresh();
  }

  /** @param {number[]} changed @param {(seat: number) => number} before */
  changed(changed, before) {
    this.map.changed(changed, before);
  }

  /** @param {import("../map/input.js").Hit} hit */
  click(hit) {
    const { checkout } = this.owner;
    if (hit.kind === "seat") checkout.toggle(hit.seat);
    if (hit.kind === "section") this.input.showSection(hit.section);
    if (hit.kind === "area") checkout.setArea(hit.area, (checkout.areas.get(hit.area) ?? 0) + 1);
    this.hover({ kind: "none" }, 0, 0);
  }

  /** @param {import("../map/input.js").Hit} hit @param {number} x @param {number} y */
  hover(hit, x, y) {
    const { map } = this;
    const seat = hit.kind === "seat" ? hit.seat : -1;
    const section = hit.kind === "section" && this.view.seatPixels < SEAT_CLICK ? hit.section : -1;
    const same = seat === map.hover.seat && section === map.hover.section;
    map.hover = { seat, section };
    if (!same) map.refresh();
    const free = seat >= 0 && this.owner.seats.states[seat] === FREE;
    this.canvas.style.cursor = free || section >= 0 || hit.kind === "area" ? "pointer" : "grab";
    this.card.hidden = seat < 0 && section < 0;
    if (this.card.hidden) return;
    if (!same) fill(this.card, seat >= 0 ? this.seatCard(seat) : this.sectionCard(section));
    const { offsetWidth: width, offsetHeight: height } = this.card;
    const left = Math.min(this.view.width - width - 8, Math.max(8, x - width / 2));
    const top = y - height - 18 < 4 ? y + 22 : y - height - 18;
    this.card.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  /** @param {number} seat */
  seatCard(seat) {
    const { model, seats, prices, checkout } = this.owner;
    const { section, row, seat: name } = model.place(seat);
    const mine = this.map.mine.has(seat);
    const state = mine ? "yours" : checkout.chosen.has(seat) ? "chosen" : STATE_WORDS[seats.states[seat]];
    const level = model.levels[model.level[seat]];
    return [
      h("dl", null, pair("Section", section), pair("Row", row), pair("Seat", name)),
      h("p", { class: "cardprice" }, h("i", { style: { background: level?.color } }), `${level?.name ?? ""} `, h("b", null, money(prices.of(model.level[seat])))),
      model.kind[seat] > 0 && h("p", { class: "cardnote" }, KIND_WORDS[model.kind[seat]]),
      state !== "free" && h("p", { class: "cardnote" }, state),
    ];
  }

  /** @param {number} index */
  sectionCard(index) {
    const { model, seats, prices } = this.owner;
    const section = model.sections[index];
    const free = seats.free[index];
    return [
      h("p", { class: "cardhead" }, section.name),
      h("p", null, free > 0 ? `${plural(free, "seat")} free of ${count(section.count)}` : "Sold out"),
      free > 0 && h("p", { class: "cardnote" }, `${model.levels[section.level]?.name ?? ""} ${money(prices.of(section.level))} · click to come closer`),
    ];
  }
}

/** @param {string} name @param {string} value */
const pair = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));
