// A stand-in for the server, to work on the page without one: same paths and JSON, one process, nothing kept.
// Start: node mock.mjs [port] [layout.json ...]; each file is one more event. Not a model of the product: no time limits per user, no idempotency, no search but substring.

import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { bowl, hall, seatCount } from "./house.mjs";
import { accept } from "./socket.mjs";

const PAGE = fileURLToPath(new URL("../../api/page/", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const CSP = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:";
const HOLD_MS = Number(process.env.HOLD_MS ?? 480_000);
/** How long a ticket's delivery is pending. */
const DELIVERY_MS = 1500;

const layouts = { lay_hall: hall(), lay_bowl: bowl() };
const events = [
  show("Midnight Radio: Northern Lights", "concert", "lay_hall", ["Arena North", "Hamburg", "Europe/Berlin"], ["Midnight Radio"], 21, 0.35, [14500, 11000, 8500, 5500, 6900], "EUR"),
  show("Final: Winner of Match 101 v Winner of Match 102", "sport", "lay_bowl", ["MetLife Stadium", "East Rutherford", "America/New_York"], [], 60, 0.6, [210000, 139000, 320000, 89000], "USD"),
  show("Mahler: Symphony No. 2", "classical", "lay_hall", ["Philharmonic Hall", "New York", "America/New_York"], ["City Philharmonic", "Ada Lind"], 9, 0.97, [18000, 14000, 9500, 4000, 3000], "USD"),
  show("Rust in Production", "conference", "lay_hall", ["Congress Centre", "Berlin", "Europe/Berlin"], ["Many speakers"], 40, 1, [39900, 39900, 29900, 19900, 9900], "EUR"),
  ...Array.from({ length: 30 }, (_, number) =>
    show(`Chamber Evening ${number + 1}`, "classical", "lay_hall", ["Small Hall", "Vienna", "Europe/Vienna"], ["Quartet Sieben"], 70 + number, (number % 10) / 10, [4500, 3500, 2500, 1500, 1500], "EUR"),
  ),
];
for (const [number, file] of process.argv.slice(3).entries()) {
  const layout = JSON.parse(await readFile(file, "utf8"));
  layouts[`lay_${number}`] = layout;
  const prices = layout.levels.map((_, level) => 12_000 - level * 1_500);
  events.unshift(show(`Layout ${layout.name || number + 1}`, "sport", `lay_${number}`, ["Somewhere", "Town", "Europe/Berlin"], [], 5, 0.3, prices, "EUR"));
}
const users = new Map();
const sessions = new Map();
const tickets = [];
const sockets = new Set();

function id(prefix) {
  return prefix + BigInt(`0x${randomBytes(16).toString("hex")}`).toString(32).padStart(26, "0").slice(-26);
}

function show(name, category, layout, [venue, city, zone], performers, days, taken, prices, currency) {
  const seats = seatCount(layouts[layout]);
  const states = new Uint8Array(seats);
  let random = 7;
  for (let seat = 0; seat < seats; seat++) {
    random = (random * 1103515245 + 12345) & 0x7fffffff;
    const block = Math.sin(seat / 40) * 0.15;
    if (random / 0x7fffffff < taken + (taken < 1 ? block : 0)) states[seat] = random % 13 === 0 ? 1 : 2;
  }
  const starts_at = new Date(Date.now() + days * 86_400_000).toISOString();
  const plan = layouts[layout];
  return { id: id("evt_"), name, category, layout, venue, city, zone, performers, starts_at, prices, currency, states, rev: 100, holds: new Map(), plan, ring: [] };
}

const counts = (event) => [0, 1, 2, 3].map((state) => event.states.reduce((sum, one) => sum + (one === state), 0));

function describe(event) {
  const [available, held, sold] = counts(event);
  return {
    object: "event", id: event.id, name: event.name, description: "", category: event.category, status: "published", images: [], poster: "/icon.svg",
    starts_at: event.starts_at, time_zone: event.zone,
    venue: { object: "venue", name: event.venue, city: event.city, time_zone: event.zone },
    performers: event.performers.map((name) => ({ object: "performer", name })),
    sale: { state: "on_sale", available, held, sold, capacity: event.states.length, from_price: { amount: Math.min(...event.prices), currency: event.currency } },
  };
}

function packed(event) {
  const bytes = Buffer.alloc(Math.ceil(event.states.length / 4));
  event.states.forEach((state, seat) => (bytes[seat >> 2] |= state << ((seat & 3) * 2)));
  return bytes.toString("base64");
}

function seatMap(event) {
  const prices = event.prices.map((amount, level) => ({ level, ...event.plan.levels[level], price: { amount, currency: event.currency } }));
  const body = { object: "seat_map", event: event.id, layout: event.layout, sale: "on_sale", seats: event.states.length, states: packed(event), counts: [], prices };
  return { status: 200, body, revision: `3:${event.rev}` };
}

const places = (event) => event.plan.sections.flatMap((section) => section.rows.flatMap((row) => row.seats.map((seat) => ({ section: section.name, row: row.name, name: seat[0], level: seat[1] }))));
const seatOut = (event, index) => {
  const place = (event.places ??= places(event))[index];
  return { index, seat: `${place.section}-${place.row}-${place.name}`, section: place.section, row: place.row, name: place.name };
};

function setSeats(event, seats, state) {
  const prev = event.rev;
  event.rev += 1;
  for (const seat of seats) event.states[seat] = state;
  const delta = { type: "delta", prev, rev: event.rev, set: seats.map((seat) => [seat, state]) };
  for (const socket of sockets) if (socket.event === event && socket.ready) socket.peer.send(delta);
}

const problem = (status, code, extra = {}) => ({ status, body: { type: `/problem/${code}`, title: code, status, code, ...extra }, type: "application/problem+json" });
const total = (event, seats) => ({ amount: seats.reduce((sum, seat) => sum + event.prices[(event.places ??= places(event))[seat].level], 0), currency: event.currency });

function hold(event, user, body) {
  let seats = body.seats ?? [];
  if (body.best) {
    const free = [...event.states.keys()].filter((seat) => event.states[seat] === 0 && seatOut(event, seat).row === seatOut(event, Math.min(seat + body.best.quantity - 1, event.states.length - 1)).row);
    const start = free.find((seat) => event.states.slice(seat, seat + body.best.quantity).every((state) => state === 0));
    if (start === undefined) return problem(409, "nothing_fits");
    seats = Array.from({ length: body.best.quantity }, (_, at) => start + at);
  }
  const taken = seats.filter((seat) => event.states[seat] !== 0);
  if (taken.length > 0) {
    const start = event.states.findIndex((state, seat) => state === 0 && event.states.slice(seat, seat + seats.length).every((one) => one === 0));
    const other = Array.from({ length: seats.length }, (_, at) => start + at);
    return problem(409, "seat_unavailable", {
      conflicts: taken.map((seat) => ({ ...seatOut(event, seat), state: ["available", "held", "sold", "blocked"][event.states[seat]] })),
      alternatives: [{ seats: other.map((seat) => seatOut(event, seat)), total: total(event, other) }],
    });
  }
  setSeats(event, seats, 1);
  const areas = (body.areas ?? []).map(({ area, quantity }) => ({ index: area, area: event.plan.areas[area].name, quantity }));
  const cost = total(event, seats);
  for (const { index, quantity } of areas) cost.amount += event.prices[event.plan.areas[index].level] * quantity;
  const made = { object: "hold", id: id("hld_"), user: user.id, state: "active", seats: seats.map((seat) => seatOut(event, seat)), areas, total: cost, expires_at: new Date(Date.now() + HOLD_MS).toISOString() };
  event.holds.set(made.id, made);
  setTimeout(() => made.state === "active" && end(event, made, "expired"), HOLD_MS).unref();
  return { status: 201, body: made };
}

function end(event, made, state) {
  made.state = state;
  setSeats(event, made.seats.map((seat) => seat.index), 0);
}

function pay(event, made, user, method) {
  if (made.state !== "active") return problem(410, "hold_expired");
  if (method === "pm_test_declined") return problem(402, "payment_declined", { decline_code: "card_declined", hold: made });
  made.state = "converted";
  setSeats(event, made.seats.map((seat) => seat.index), 2);
  const order = id("ord_");
  const all = [...made.seats.map((seat) => ({ seat })), ...made.areas.flatMap((area) => Array(area.quantity).fill({ area }))];
  for (const place of all) {
    tickets.unshift({
      object: "ticket", id: id("tkt_"), user: user.id, state: "issued", event: event.id, order, ...place, price: { amount: made.total.amount / all.length, currency: event.currency },
      event_summary: { name: event.name, starts_at: event.starts_at, time_zone: event.zone, venue: event.venue, city: event.city }, at: Date.now(),
    });
  }
  return { status: 200, body: { object: "order", id: order, hold: made.id, state: "confirmed", total: made.total, receipt: tickets.length } };
}

function listing(all, query) {
  const from = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? 25);
  const more = from + limit < all.length;
  return { status: 200, body: { object: "list", data: all.slice(from, from + limit).map(describe), has_more: more, ...(more ? { next_cursor: String(from + limit) } : {}) } };
}

function route(method, path, query, body, user, headers) {
  const [first, second, third, fourth, fifth] = path.split("/").slice(1).map(decodeURIComponent);
  if (path === "/event") return listing(events, query);
  if (first === "event" && second === "search") {
    const words = third.toLowerCase().split(/\s+/);
    return listing(events.filter((event) => words.every((word) => [event.name, event.venue, event.city, ...event.performers].join(" ").toLowerCase().includes(word))), query);
  }
  if (first === "layout") return layouts[second] ? { status: 200, body: { ...layouts[second], id: second } } : problem(404, "not_found");
  if (path === "/user" && method === "POST") {
    if (users.has(body.email)) return problem(409, "email_taken");
    users.set(body.email, { object: "user", id: id("usr_"), email: body.email, name: body.name, role: "customer", password: body.password });
    return { status: 201, body: { object: "user" } };
  }
  if (path === "/session" && method === "POST") {
    const found = users.get(body.email);
    if (!found || found.password !== body.password) return problem(401, "bad_credentials");
    const token = randomBytes(16).toString("hex");
    sessions.set(token, found);
    return { status: 200, body: { object: "session", access_token: token, token_type: "Bearer", expires_in: 900, user: found }, cookie: `session=${token}; HttpOnly; SameSite=Lax; Path=/` };
  }
  if (path === "/session/refresh" && user) {
    const token = randomBytes(16).toString("hex");
    sessions.set(token, user);
    return { status: 200, body: { object: "session", access_token: token, token_type: "Bearer", expires_in: 900, user } };
  }
  if (path === "/session/refresh") return problem(401, "unauthenticated");
  if (path === "/session" && method === "DELETE") return { status: 204, cookie: "session=; Max-Age=0; Path=/" };
  const event = first === "event" ? events.find((one) => one.id === second) : null;
  if (first === "event" && !event) return problem(404, "not_found");
  if (event && !third) return { status: 200, body: describe(event) };
  if (event && third === "seat") return seatMap(event);
  if (!user) return problem(401, "unauthenticated");
  if (path === "/user") return { status: 200, body: user };
  if (path === "/session") {
    const now = new Date().toISOString();
    return { status: 200, body: { object: "list", data: [{ object: "session", id: "ses_1", created_at: now, last_used_at: now, address: "127.0.0.1", agent: "A browser", current: true }] } };
  }
  if (path.endsWith(".svg")) return { status: 200, type: "image/svg+xml", body: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9H0z"/></svg>' };
  if (path === "/user/ticket") {
    const mine = tickets.filter((ticket) => ticket.user === user.id).map((ticket) => ({ ...ticket, pending: Date.now() - ticket.at < DELIVERY_MS }));
    return { status: 200, body: { object: "list", data: mine, has_more: false, complete: true } };
  }
  if (method === "POST" && !headers["idempotency-key"]) return problem(400, "idempotency_key_required");
  if (event && third === "hold" && !fourth) return hold(event, user, body);
  const made = event?.holds.get(fourth);
  if (!made) return problem(404, "not_found");
  if (fifth === "pay") return pay(event, made, user, body.payment_method);
  if (method === "DELETE") end(event, made, "released");
  return { status: 200, body: made };
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  const file = url.pathname === "/" ? "index.html" : normalize(url.pathname).replace(/^\/+/, "");
  if (request.method === "GET" && TYPES[extname(file)] && !file.startsWith("test/") && !file.startsWith("user/")) {
    try {
      const bytes = await readFile(join(PAGE, file));
      return response.writeHead(200, { "Content-Type": TYPES[extname(file)], "Content-Security-Policy": CSP }).end(bytes);
    } catch {
      return response.writeHead(404).end();
    }
  }
  const chunks = await request.toArray();
  const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString() || "{}") : {};
  const token = request.headers.authorization?.slice(7) ?? request.headers.cookie?.match(/session=(\w+)/)?.[1];
  const answer = route(request.method, url.pathname, url.searchParams, body, sessions.get(token), request.headers);
  const headers = { "Content-Type": answer.type ?? "application/json", ...(answer.revision ? { "Boxoffice-Revision": answer.revision } : {}), ...(answer.cookie ? { "Set-Cookie": answer.cookie } : {}) };
  response.writeHead(answer.status, headers).end(typeof answer.body === "object" ? JSON.stringify(answer.body) : answer.body);
});

server.on("upgrade", (request, socket) => {
  const event = events.find((one) => request.url.startsWith(`/event/${one.id}/`));
  const peer = accept(request, socket);
  const entry = { peer, event, ready: false };
  sockets.add(entry);
  peer.onClose = () => sockets.delete(entry);
  peer.onText = () => {
    entry.ready = true;
    peer.send({ type: "snapshot", rev: event.rev, layout: event.layout, seats: event.states.length, state: packed(event) });
  };
});

/** Other people, so that the map lives. */
setInterval(() => {
  for (const event of new Set([...sockets].map((socket) => socket.event))) {
    const seats = Array.from({ length: 3 }, () => Math.floor(Math.random() * event.states.length)).filter((seat) => event.states[seat] === 0);
    if (seats.length > 0 && process.env.QUIET !== "1") setSeats(event, seats, 1);
  }
}, 700).unref();

server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
