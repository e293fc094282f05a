// The same choice without the map: section, then row, then seat. For keyboards, screen readers and anybody who likes lists.

import { fill, h, icon } from "../dom.js";
import { count, money, plural } from "../format.js";
import { KIND_WORDS } from "../map/model.js";
import { FREE, STATE_WORDS } from "../map/state.js";

/** Least time between two redraws by live changes, in milliseconds. */
const CALM = 700;

export class SeatList {
  /** @param {any} owner the event's view */
  constructor(owner) {
    this.owner = owner;
    this.section = -1;
    this.row = -1;
    this.timer = 0;
    this.node = h("section", { class: "pane seatlist", id: "pane-list", role: "tabpanel", "aria-labelledby": "tab-list", hidden: true });
  }

  /** Draws again soon, if it is seen at all. */
  refresh() {
    if (this.node.hidden || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.draw();
    }, CALM);
  }

  draw() {
    const focus = document.activeElement?.id;
    const scroll = this.node.scrollTop;
    if (this.row >= 0) fill(this.node, this.crumbs(), this.drawSeats());
    else if (this.section >= 0) fill(this.node, this.crumbs(), this.drawRows());
    else fill(this.node, this.crumbs(), this.drawSections(), this.drawAreas());
    this.node.scrollTop = scroll;
    if (focus && focus !== document.activeElement?.id) document.getElementById(focus)?.focus({ preventScroll: true });
  }

  /** @param {number} section @param {number} row */
  go(section, row) {
    this.section = section;
    this.row = row;
    this.node.scrollTop = 0;
    this.draw();
    /** @type {HTMLElement | null} */ (this.node.querySelector("h2"))?.focus();
  }

  crumbs() {
    const { model } = this.owner;
    const title = this.row >= 0 ? `${model.sections[this.section].name}, row ${model.rows[this.row].name}` : this.section >= 0 ? model.sections[this.section].name : "Sections";
    return h(
      "div",
      { class: "crumbs" },
      this.section >= 0 &&
        h("button", { type: "button", class: "button quiet", onclick: () => this.go(this.row >= 0 ? this.section : -1, -1) }, icon("back"), this.row >= 0 ? "Rows" : "Sections"),
      h("h2", { tabindex: "-1" }, title),
    );
  }

  drawSections() {
    const { model, seats, prices } = this.owner;
    const line = (/** @type {any} */ section, /** @type {number} */ index) =>
      this.line(`s${index}`, section.name, seats.free[index], section.count, money(prices.of(section.level)), () => this.go(index, -1), model.levels[section.level]?.color);
    return h("ul", { class: "lines" }, model.sections.map(line));
  }

  drawAreas() {
    const { model, areaFree, checkout, prices } = this.owner;
    if (model.areas.length === 0) return null;
    const line = (/** @type {any} */ area, /** @type {number} */ index) =>
      this.line(`a${index}`, `${area.name} (standing)`, areaFree.get(area.name) ?? area.capacity, area.capacity, money(prices.of(area.level)), () =>
        checkout.setArea(index, (checkout.areas.get(index) ?? 0) + 1), model.levels[area.level]?.color);
    return h("ul", { class: "lines" }, model.areas.map(line));
  }

  drawRows() {
    const { model, seats, prices } = this.owner;
    return h(
      "ul",
      { class: "lines" },
      model.sections[this.section].rows.map((/** @type {number} */ index) => {
        const row = model.rows[index];
        let free = 0;
        for (let seat = row.first; seat < row.first + row.count; seat++) free += seats.states[seat] === FREE ? 1 : 0;
        const level = model.level[row.first];
        return this.line(`r${index}`, `Row ${row.name}`, free, row.count, money(prices.of(level)), () => this.go(this.section, index), model.levels[level]?.color);
      }),
    );
  }

  /**
   * @param {string} id @param {string} name @param {number} free @param {number} all @param {string} price
   * @param {() => void} run @param {string | undefined} color
   */
  line(id, name, free, all, price, run, color) {
    return h(
      "li",
      null,
      h(
        "button",
        { type: "button", id: `line-${id}`, class: "line", disabled: free === 0, onclick: run },
        h("i", { style: { background: free === 0 ? "#d5d9e0" : color }, "aria-hidden": "true" }),
        h("span", { class: "linename" }, name),
        h("span", { class: "linefree" }, free === 0 ? "sold out" : `${count(free)} of ${count(all)} free`),
        h("span", { class: "lineprice" }, price),
        icon("next"),
      ),
    );
  }

  drawSeats() {
    const { model, checkout, prices, pane } = this.owner;
    const row = model.rows[this.row];
    const buttons = [];
    for (let seat = row.first; seat < row.first + row.count; seat++) {
      const state = this.owner.seats.states[seat];
      const chosen = checkout.chosen.has(seat);
      const mine = pane.map.mine.has(seat);
      const note = [KIND_WORDS[model.kind[seat]], mine ? "yours" : state === FREE ? money(prices.of(model.level[seat])) : STATE_WORDS[state]].filter(Boolean).join(", ");
      buttons.push(
        h(
          "button",
          {
            type: "button",
            id: `seat-${seat}`,
            class: `seat ${mine ? "mine" : chosen ? "chosen" : state === FREE ? "free" : "taken"}`,
            "aria-pressed": String(chosen || mine),
            "aria-label": `Seat ${model.names[seat]}, ${note}`,
            "aria-disabled": state !== FREE || mine ? "true" : undefined,
            title: note,
            onclick: () => this.pick(seat),
          },
          model.names[seat],
        ),
      );
    }
    return h("div", null, h("p", { class: "hint" }, plural(row.count, "seat"), ". Neighbours in this list sit next to each other."), h("div", { class: "seatgrid", role: "group", "aria-label": `Seats of row ${row.name}` }, buttons));
  }

  /** @param {number} seat */
  pick(seat) {
    if (this.owner.checkout.toggle(seat)) this.draw();
  }
}
