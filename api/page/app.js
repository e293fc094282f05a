// The page's start: routes by the address's hash, the header, and the one session.

import { Api } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { Session } from "./session.js";
import { showAccount } from "./views/account.js";
import { showEvent } from "./views/event.js";
import { showHome } from "./views/home.js";
import { openLogin } from "./views/login.js";
import { showTickets } from "./views/tickets.js";

const api = new Api();
const session = new Session(api);
const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const query = /** @type {HTMLInputElement} */ (document.getElementById("query"));

/** What every view gets. @typedef {{api: Api, session: Session, main: HTMLElement, logIn: (why?: string) => Promise<boolean>}} App */
/** @type {App} */
const app = { api, session, main, logIn: (why) => openLogin(session, why) };

/** Ends the view that is shown. @type {() => void} */
let leave = () => {};
let visit = 0;

/** Shows what the address names. */
async function route() {
  const [, kind = "", rest = ""] = location.hash.match(/^#\/([^/]*)\/?(.*)$/) ?? [];
  const mine = ++visit;
  leave();
  leave = () => {};
  const text = kind === "search" ? decode(rest) : "";
  if (document.activeElement !== query) query.value = text;
  document.body.dataset.view = kind === "event" ? "event" : "page";
  const done = await show(kind, rest, text);
  if (mine !== visit) return done?.();
  leave = done ?? leave;
  if (mine > 1 && document.activeElement === document.body) main.focus({ preventScroll: true });
}

/** @param {string} kind @param {string} rest @param {string} text */
function show(kind, rest, text) {
  if (kind === "event") return showEvent(app, rest);
  if (kind === "tickets") return showTickets(app);
  if (["account", "forgot", "reset", "email", "claim", "guest", "keep", "join"].includes(kind)) return showAccount(app, kind, rest);
  return showHome(app, text);
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function drawAccount() {
  const nav = /** @type {HTMLElement} */ (document.getElementById("account"));
  const { user } = session;
  fill(
    nav,
    h("a", { href: "#/tickets", class: "button quiet", "aria-label": "My tickets" }, icon("ticket"), h("span", null, "My tickets")),
    user && h("a", { href: "#/account", class: "button quiet", title: user.email }, "Account"),
    user
      ? h("button", { type: "button", class: "button quiet", onclick: logOut }, "Log out")
      : h("button", { type: "button", class: "button quiet", onclick: () => openLogin(session) }, "Log in"),
  );
}

async function logOut() {
  await session.logOut();
  location.hash = "#/";
}

let typing = 0;
query.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, 250);
});
document.getElementById("find")?.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  search();
});

function search() {
  const text = query.value.trim();
  const goal = text ? `#/search/${encodeURIComponent(text)}` : "#/";
  if (location.hash === goal) return;
  if (location.hash.startsWith("#/search/") && text) {
    history.replaceState(null, "", goal);
    route();
  } else location.hash = goal;
}

addEventListener("hashchange", () => {
  if (location.hash !== "#main") route();
});
session.listeners.add(drawAccount);
drawAccount();
await session.restore();
await route();
