// The person's tickets, delivered and on their way.

import { fill, h, icon } from "../dom.js";
import { dateParts, money, placeText } from "../format.js";

/** How often undelivered tickets are asked for again, in milliseconds. */
const AGAIN = 1200;

/** @param {import("../app.js").App} app */
export async function showTickets(app) {
  document.title = "My tickets - boxoffice";
  const body = h("div", { class: "stubs" });
  const page = h("div", { class: "home" }, h("div", { class: "intro" }, h("h1", null, "My tickets")), body);
  fill(app.main, page);
  let alive = true;
  let timer = 0;

  const ask = () =>
    fill(
      body,
      h("div", { class: "empty" }, h("p", null, "Log in to see your tickets."), h("button", { type: "button", class: "button primary", onclick: async () => (await app.logIn()) && load() }, "Log in")),
    );

  const load = async () => {
    if (!alive) return;
    if (!app.session.user) return ask();
    if (!body.firstChild) fill(body, h("p", { class: "loading" }, "Loading ..."));
    try {
      const answer = await app.api.get("/user/ticket?limit=100");
      if (!alive) return;
      draw(answer);
      if (answer.complete === false || answer.data.some(waiting)) timer = setTimeout(load, AGAIN);
    } catch (error) {
      if (!alive) return;
      const message = error instanceof Error ? error.message : String(error);
      fill(body, h("p", { class: "notice error", role: "alert" }, message), h("button", { type: "button", class: "button", onclick: load }, "Try again"));
    }
  };

  /** @param {any} answer */
  const draw = (answer) => {
    const pending = answer.data.filter(waiting).length;
    fill(
      body,
      pending > 0 &&
        h("p", { class: "notice", role: "status" }, "Paid, delivery pending: tickets marked so are yours and are being written to your account. This takes a moment; the page looks again by itself."),
      answer.complete === false &&
        h("p", { class: "notice", role: "status" }, "There may be more tickets than shown: a part of the system could not be asked just now. The page looks again by itself."),
      answer.data.length === 0 && answer.complete !== false
        ? h("div", { class: "empty" }, h("p", null, "No tickets yet."), h("a", { class: "button primary", href: "#/" }, "Find an event"))
        : h("ul", { class: "tickets" }, answer.data.map((/** @type {any} */ ticket) => stub(app, ticket))),
    );
  };

  const watch = () => load();
  app.session.listeners.add(watch);
  await load();
  return () => {
    alive = false;
    clearTimeout(timer);
    app.session.listeners.delete(watch);
  };
}

/** @param {any} ticket */
const waiting = (ticket) => ticket.pending === true;

/** The ticket's code and its PDF, each fetched when it is asked for. @param {import("../app.js").App} app @param {any} ticket */
function papers(app, ticket) {
  const place = h("div", { class: "code", hidden: true });
  const said = h("p", { class: "notice error", role: "alert", hidden: true });
  /** @param {() => Promise<void>} run */
  const tried = async (run) => {
    said.hidden = true;
    try {
      await run();
    } catch (error) {
      said.textContent = error instanceof Error ? error.message : String(error);
      said.hidden = false;
    }
  };
  const show = () =>
    tried(async () => {
      if (!place.firstChild) {
        const drawing = await (await app.api.file(`/user/ticket/${ticket.id}.svg`)).text();
        fill(place, h("img", { src: `data:image/svg+xml,${encodeURIComponent(drawing)}`, alt: "The ticket's code, to be read at the gate" }));
      }
      place.hidden = !place.hidden;
      toggle.setAttribute("aria-expanded", String(!place.hidden));
    });
  const save = () =>
    tried(async () => {
      const url = URL.createObjectURL(await app.api.file(`/user/ticket/${ticket.id}.pdf`));
      h("a", { href: url, download: `${ticket.id}.pdf` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    });
  const toggle = h("button", { type: "button", class: "button quiet", "aria-expanded": "false", onclick: show }, "Show the code");
  return h("div", { class: "papers" }, toggle, h("button", { type: "button", class: "button quiet", onclick: save }, "PDF"), said, place);
}

/** @param {import("../app.js").App} app @param {any} ticket */
function stub(app, ticket) {
  const event = ticket.event_summary ?? null;
  const when = event ? dateParts(event.starts_at, event.time_zone) : null;
  const { seat, area } = ticket;
  const where = seat ? placeText({ section: seat.section ?? seat.seat, row: seat.row, seat: seat.name }) : `${area?.area ?? "Standing"} · standing`;
  const over = { void: "No longer valid", transferred: "Given to someone else", offered: "Offered to someone else" }[ticket.state];
  const state = over ? "void" : waiting(ticket) ? "pending" : "valid";
  const words = { void: over, pending: "Delivery pending", valid: "Valid" };
  return h(
    "li",
    { class: `stub ${state}` },
    h("div", { class: "date", "aria-hidden": "true" }, when && [h("small", null, when.month), h("b", null, when.day), h("small", null, when.year)]),
    h(
      "div",
      { class: "what" },
      h("strong", null, event?.name ?? "Event"),
      when && h("span", { class: "time" }, when.long),
      event?.venue && h("span", { class: "where" }, icon("place"), [event.venue, event.city].filter(Boolean).join(", ")),
      h("span", { class: "place" }, where),
      state === "valid" && papers(app, ticket),
    ),
    h(
      "div",
      { class: "side" },
      h("span", { class: `badge ${state}` }, words[state]),
      ticket.price && h("span", { class: "paid" }, money(ticket.price)),
      h("code", { title: ticket.id }, ticket.id.slice(-8)),
    ),
  );
}
