// The tray beside the map: what is chosen, held, being paid, bought.

import { announce, fill, h, icon } from "../dom.js";
import { announcement, countdown, money, placeText, plural } from "../format.js";

/** Test payment methods of the built-in provider. */
const METHODS = [
  { token: "pm_test_ok", name: "Test card 4242", note: "the payment succeeds" },
  { token: "pm_test_declined", name: "Test card 0002", note: "the bank declines" },
  { token: "pm_test_3ds", name: "Test card 3155", note: "the bank asks you to confirm (3-D Secure)" },
  { token: "pm_test_lost_answer", name: "Test card 0009", note: "succeeds, but the bank answers late" },
];

/** Most places asked for at once with "best available". */
const BEST_MAX = 8;

export class Tray {
  /** @param {any} owner the event's view */
  constructor(owner) {
    this.owner = owner;
    this.quantity = 2;
    this.method = METHODS[0].token;
    this.left = Infinity;
    this.phase = "";
    this.node = h("aside", { class: "tray", "aria-label": "Your seats" });
  }

  draw() {
    const { checkout } = this.owner;
    const focus = document.activeElement?.id;
    const parts = {
      choosing: () => this.choosing(false),
      holding: () => this.choosing(true),
      held: () => this.held(false),
      paying: () => this.held(true),
      pending: () => this.held(true),
      done: () => this.done(),
    };
    fill(this.node, parts[/** @type {keyof typeof parts} */ (checkout.phase)]());
    this.node.dataset.phase = checkout.phase;
    this.node.dataset.empty = String(checkout.phase === "choosing" && checkout.quantity() === 0);
    if (focus && this.node.querySelector(`#${CSS.escape(focus)}`)) document.getElementById(focus)?.focus();
    if (this.phase !== checkout.phase) this.entered(checkout.phase);
    this.phase = checkout.phase;
    this.tick();
  }

  /** @param {string} phase */
  entered(phase) {
    if (phase === "held" && this.phase !== "paying" && this.phase !== "pending") {
      this.left = Infinity;
      announce(`Your seats are held. ${this.clock().spoken} to pay.`);
    }
    if (phase === "done") announce("Paid. Your tickets are booked.");
    if (["held", "done"].includes(phase) && this.phase) /** @type {HTMLElement | null} */ (this.node.querySelector("h2"))?.focus();
  }

  /** What is wrong or going on, if anything. */
  notice() {
    const { notice, phase } = this.owner.checkout;
    if (!notice) return null;
    const calm = ["holding", "paying", "pending"].includes(phase);
    return h("p", { class: calm ? "notice" : "notice error", role: calm ? "status" : "alert" }, notice);
  }

  /** @param {boolean} busy */
  choosing(busy) {
    const { owner } = this;
    const { checkout, model } = owner;
    const quantity = checkout.quantity();
    const total = owner.prices.total(model, checkout.chosen, checkout.areas);
    const hold = h(
      "button",
      { type: "button", id: "hold", class: "button primary wide", disabled: busy, onclick: () => owner.asUser(() => checkout.holdChosen(total)) },
      busy ? "Holding your seats ..." : `Hold ${plural(quantity, "seat")} · ${money(total)}`,
    );
    return [
      h("h2", { tabindex: "-1" }, "Your seats"),
      this.notice(),
      quantity > 0
        ? [h("ul", { class: "picked" }, [...checkout.chosen].map((seat) => this.pickedSeat(seat, busy)), [...checkout.areas].map(([area, places]) => this.pickedArea(area, places))), hold]
        : h("p", { class: "hint" }, "Click seats on the map, or let us find the best ones."),
      quantity > 0 && h("button", { type: "button", class: "link", disabled: busy, onclick: () => checkout.clear() }, "Clear the choice"),
      quantity === 0 && this.best(busy),
      quantity === 0 && this.areas(),
      this.promo(busy),
      quantity > 0 && h("p", { class: "hint" }, "The time to pay begins when you hold the seats, not before."),
    ];
  }

  /** Where a promo code is written. @param {boolean} busy */
  promo(busy) {
    const { checkout } = this.owner;
    const write = (/** @type {Event} */ event) => (checkout.promo = /** @type {HTMLInputElement} */ (event.target).value);
    const input = h("input", { id: "promo", name: "promo", type: "text", maxlength: 40, autocomplete: "off", disabled: busy, value: checkout.promo, oninput: write });
    return h("label", { class: "field" }, h("span", null, "Promo code (if you have one)"), input);
  }

  /** @param {boolean} busy */
  best(busy) {
    const { owner } = this;
    if (owner.model.count === 0) return null;
    const step = (/** @type {number} */ by) => {
      this.quantity = Math.min(owner.event.per_user_limit || BEST_MAX, BEST_MAX, Math.max(1, this.quantity + by));
      this.draw();
    };
    return h(
      "div",
      { class: "best", role: "group", "aria-label": "Best available" },
      h("h3", null, "Best available"),
      stepper("best", this.quantity, "seats", step),
      h(
        "button",
        { type: "button", id: "best", class: "button primary wide", disabled: busy, onclick: () => owner.asUser(() => owner.checkout.holdBest(this.quantity)) },
        busy ? "Looking ..." : `Hold the best ${plural(this.quantity, "seat")}`,
      ),
      h("p", { class: "hint" }, "Together in one row, as close to the middle as it gets."),
    );
  }

  areas() {
    const { model, areaFree, prices, checkout } = this.owner;
    if (model.areas.length === 0) return null;
    return h(
      "div",
      { class: "best" },
      h("h3", null, "Standing"),
      model.areas.map((/** @type {any} */ area, /** @type {number} */ index) => {
        const free = areaFree.get(area.name) ?? area.capacity;
        return h(
          "button",
          { type: "button", class: "line", disabled: free === 0, onclick: () => checkout.setArea(index, 1) },
          h("i", { style: { background: model.levels[area.level]?.color }, "aria-hidden": "true" }),
          h("span", { class: "linename" }, area.name),
          h("span", { class: "linefree" }, free === 0 ? "sold out" : `${free} free`),
          h("span", { class: "lineprice" }, money(prices.of(area.level))),
          icon("plus"),
        );
      }),
    );
  }

  /** @param {number} seat @param {boolean} busy */
  pickedSeat(seat, busy) {
    const { model, prices, checkout } = this.owner;
    const level = model.level[seat];
    return h(
      "li",
      null,
      h("i", { style: { background: model.levels[level]?.color }, "aria-hidden": "true" }),
      h("span", { class: "pickedname" }, placeText(model.place(seat)), h("small", null, model.levels[level]?.name ?? "")),
      h("b", null, money(prices.of(level))),
      h("button", { type: "button", class: "plain", disabled: busy, "aria-label": `Remove ${model.label(seat)}`, onclick: () => checkout.toggle(seat) }, icon("close")),
    );
  }

  /** @param {number} index @param {number} places */
  pickedArea(index, places) {
    const { model, prices, checkout } = this.owner;
    const area = model.areas[index];
    const price = prices.of(area.level);
    return h(
      "li",
      null,
      h("i", { style: { background: model.levels[area.level]?.color }, "aria-hidden": "true" }),
      h("span", { class: "pickedname" }, area.name, h("small", null, money(price))),
      stepper(`area${index}`, places, area.name, (by) => checkout.setArea(index, places + by)),
    );
  }

  /** @param {boolean} busy */
  held(busy) {
    const { owner } = this;
    const { checkout } = owner;
    const { hold } = checkout;
    const words = { held: `Pay ${money(hold.total)}`, paying: "Paying ...", pending: "Waiting for the bank ..." };
    const pending = checkout.phase === "pending";
    return [
      h("h2", { tabindex: "-1" }, "Held for you"),
      !pending && h("p", { class: "clock", role: "timer" }, h("b", null, this.clock().text), h("span", null, " left to pay")),
      this.notice(),
      checkout.bankPage() && h("a", { id: "bank", class: "button primary wide", href: checkout.bankPage(), target: "_blank", rel: "noopener noreferrer" }, "Confirm at your bank"),
      h("ul", { class: "picked" }, this.places(hold)),
      hold.discount && h("p", { class: "total" }, h("span", null, `Code ${hold.promo}`), h("b", null, `−${money(hold.discount)}`)),
      h("p", { class: "total" }, h("span", null, "Total"), h("b", null, money(hold.total))),
      h("form", { class: "pay", onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), checkout.pay(this.method)) }, this.methods(busy, hold), h("button", { type: "submit", id: "pay", class: "button primary wide", disabled: busy }, words[/** @type {keyof typeof words} */ (checkout.phase)])),
      h("button", { type: "button", class: "link", disabled: busy, onclick: () => checkout.release() }, "Give the seats back"),
    ];
  }

  /** @param {boolean} busy @param {any} hold */
  methods(busy, hold) {
    if (hold.total?.amount === 0) return null;
    return h(
      "fieldset",
      { disabled: busy },
      h("legend", null, "Pay with"),
      METHODS.map(({ token, name, note }) =>
        h(
          "label",
          { class: "method" },
          h("input", { type: "radio", name: "method", id: token, value: token, checked: this.method === token, onchange: () => (this.method = token) }),
          h("span", null, name, h("small", null, note)),
        ),
      ),
      h("p", { class: "hint" }, "Payments are simulated here: no money moves."),
    );
  }

  /** The places of a hold or an order. @param {any} hold */
  places(hold) {
    const { model } = this.owner;
    const seats = (hold.seats ?? []).map((/** @type {any} */ one) => {
      const seat = model.find(typeof one === "object" ? (one.index ?? one.seat) : one);
      if (seat < 0) return null;
      return h("li", null, h("i", { style: { background: model.levels[model.level[seat]]?.color }, "aria-hidden": "true" }), h("span", { class: "pickedname" }, placeText(model.place(seat)), h("small", null, model.levels[model.level[seat]]?.name ?? "")));
    });
    const areas = (hold.areas ?? []).map((/** @type {any} */ one) =>
      h("li", null, h("span", { class: "pickedname" }, one.area ?? one.name), h("b", null, `× ${one.quantity}`)),
    );
    return [...seats, ...areas];
  }

  done() {
    const { checkout } = this.owner;
    const { order } = checkout;
    return [
      h("div", { class: "success", "aria-hidden": "true" }, icon("check")),
      h("h2", { tabindex: "-1", class: "centre" }, "You are going"),
      h("p", { class: "hint centre" }, order.receipt ? `Paid ${money(order.total)}. Receipt number ${order.receipt}.` : `Paid ${money(order.total)}.`),
      h("ul", { class: "picked" }, this.places(order)),
      h("a", { class: "button primary wide", href: "#/tickets" }, "See my tickets"),
      h("button", { type: "button", class: "link", onclick: () => checkout.again() }, "Buy more for this event"),
    ];
  }

  clock() {
    const { checkout, app } = this.owner;
    return countdown(Date.parse(checkout.hold?.expires_at ?? ""), app.api.now());
  }

  /** Called twice a second. */
  tick() {
    const { checkout } = this.owner;
    const clock = this.node.querySelector(".clock");
    if (!clock || !checkout.hold) return;
    const now = this.clock();
    if (Number.isNaN(now.seconds)) return;
    clock.querySelector("b").textContent = now.text;
    clock.classList.toggle("late", now.seconds <= 60);
    if (announcement(this.left, now.seconds) !== null) announce(`${now.spoken} left to pay.`);
    this.left = now.seconds;
    if (now.over && checkout.phase === "held") checkout.expired();
  }
}

/** @param {string} id @param {number} value @param {string} what @param {(by: number) => void} step */
function stepper(id, value, what, step) {
  return h(
    "div",
    { class: "stepper" },
    h("button", { type: "button", id: `${id}-less`, "aria-label": `Fewer: ${what}`, onclick: () => step(-1) }, icon("minus")),
    h("output", { "aria-live": "polite" }, value),
    h("button", { type: "button", id: `${id}-more`, "aria-label": `More: ${what}`, onclick: () => step(1) }, icon("plus")),
  );
}
