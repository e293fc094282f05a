// The list of events, and the result of a search.

import { fill, h, icon } from "../dom.js";
import { count, dateParts, money, pictureOf, plural, saleText } from "../format.js";

/**
 * @param {import("../app.js").App} app
 * @param {string} query empty for all events
 */
export async function showHome(app, query) {
  document.title = query ? `${query} - boxoffice` : "boxoffice";
  const list = h("ul", { class: "events", "aria-busy": "true" });
  const more = h("div", { class: "more" });
  const heading = h("h1", null, query ? `Events for "${query}"` : "On sale now");
  const lead = h("p", { class: "lead", role: "status" }, query ? "Searching ..." : "Pick your seats on a live map. Nobody can take them while you pay.");
  if (!(query && app.main.querySelector(".home.searching"))) fill(app.main);
  const page = h("div", { class: query ? "home searching" : "home" }, h("div", { class: "intro" }, heading, lead), list, more);
  const path = query ? `/event/search/${encodeURIComponent(query)}` : "/event";
  let alive = true;

  /** @param {string | null} cursor */
  const load = async (cursor) => {
    fill(more, h("p", { class: "loading" }, "Loading ..."));
    try {
      const answer = await app.api.get(`${path}?limit=24&expand=venue,performers${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      if (!alive) return;
      for (const event of answer.data) list.append(card(event));
      list.removeAttribute("aria-busy");
      if (query) lead.textContent = answer.data.length === 0 ? "" : `${plural(list.children.length, "event")}${answer.has_more ? " so far" : ""}`;
      fill(
        more,
        list.children.length === 0 && nothing(query),
        answer.has_more && h("button", { type: "button", class: "button", onclick: () => load(answer.next_cursor) }, "Show more"),
      );
    } catch (error) {
      if (!alive) return;
      const message = error instanceof Error ? error.message : String(error);
      fill(more, h("p", { class: "notice error", role: "alert" }, message), h("button", { type: "button", class: "button", onclick: () => load(cursor) }, "Try again"));
    }
  };
  const first = load(null);
  if (query) await first;
  if (alive) fill(app.main, page);
  await first;
  return () => (alive = false);
}

/** @param {string} query */
function nothing(query) {
  return h(
    "div",
    { class: "empty" },
    h("p", null, query ? "Nothing found. Check the spelling, or try an artist, a team, a venue or a city." : "No events are on sale yet."),
    query && h("a", { class: "button", href: "#/" }, "See all events"),
  );
}

/** @param {any} event */
function card(event) {
  const when = dateParts(event.starts_at, event.time_zone);
  const sale = saleText(event.sale);
  const share = event.sale?.capacity ? event.sale.available / event.sale.capacity : 0;
  const who = (event.performers ?? []).map((/** @type {any} */ performer) => performer.name).filter((/** @type {string} */ name) => name && !event.name.includes(name));
  const where = [event.venue?.name, event.venue?.city].filter(Boolean).join(", ");
  const price = event.sale?.from_price;
  const meter = h("span", { class: `meter ${sale.tone}`, "aria-hidden": "true" }, h("i", { style: { width: `${Math.max(2, share * 100)}%` } }));
  return h(
    "li",
    null,
    h(
      "a",
      { class: "card", href: `#/event/${event.id}` },
      h("img", { class: "thumb", src: pictureOf(event, 320), alt: "", loading: "lazy", width: 128, height: 72 }),
      h("span", { class: "date", "aria-hidden": "true" }, h("small", null, when.month), h("b", null, when.day), h("small", null, when.weekday)),
      h(
        "span",
        { class: "what" },
        h("span", { class: "kind" }, event.category ?? ""),
        h("strong", null, event.name),
        who.length > 0 && h("span", { class: "who" }, who.join(" · ")),
        h("span", { class: "where" }, icon("place"), where),
        h("span", { class: "hidden" }, when.long),
        h("span", { class: "time", "aria-hidden": "true" }, `${when.weekday} ${when.day} ${when.month} ${when.year}, ${when.time}`),
      ),
      h(
        "span",
        { class: "offer" },
        price && h("span", { class: "price" }, h("small", null, "from "), money(price)),
        event.sale && meter,
        h("span", { class: `avail ${sale.tone}`, title: event.sale ? `${count(event.sale.capacity)} seats in all` : "" }, sale.text),
      ),
    ),
  );
}
