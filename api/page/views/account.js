// The person's account: another password, and what links in letters lead to.

import { announce, fill, h } from "../dom.js";
import { field } from "./login.js";

/** The token of a guest's link, for what can be done with it. @type {string} */
let kept = "";

/** @typedef {{title: string, lead: string, fields: any[], submit: string, send: (data: any) => Promise<string>}} Form */

/**
 * @param {import("../app.js").App} app
 * @param {string} kind which form
 * @param {string} token of the link, if one led here
 */
export function showAccount(app, kind, token) {
  // The link stands for a right: keep it out of the history.
  if (token) history.replaceState(null, "", `#/${kind}`);
  if (kind === "guest" && token) kept = token;
  const form = forms[kind](app, token);
  document.title = `${form.title} - boxoffice`;
  const status = h("p", { class: "notice", role: "status", hidden: true });
  const submit = h("button", { class: "button primary", type: "submit" }, form.submit);
  const node = h("form", { onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), send()) }, form.fields, status, submit);
  const devices = kind === "account" && app.session.user ? sessions(app) : null;
  fill(app.main, h("div", { class: "home" }, h("div", { class: "intro" }, h("h1", null, form.title), h("p", { class: "lead" }, form.lead)), node, devices));

  const send = async () => {
    submit.disabled = true;
    try {
      const said = await form.send(Object.fromEntries(new FormData(node)));
      fill(node, h("p", { class: "notice", role: "status" }, said), h("a", { class: "button", href: "#/" }, "To the events"));
      announce(said);
    } catch (error) {
      status.textContent = error instanceof Error ? error.message : String(error);
      status.className = "notice error";
      status.hidden = false;
      submit.disabled = false;
    }
  };
}

/** Where the person is logged in, and the ways out. @param {import("../app.js").App} app */
function sessions(app) {
  const list = h("ul", { class: "sessions" });
  const said = h("p", { class: "notice error", role: "alert", hidden: true });
  /** @param {() => Promise<any>} run */
  const tried = async (run) => {
    said.hidden = true;
    try {
      await run();
    } catch (error) {
      said.textContent = error instanceof Error ? error.message : String(error);
      said.hidden = false;
    }
  };
  const load = () => tried(async () => fill(list, (await app.api.get("/session")).data.map(line)));
  /** @param {any} one */
  const line = (one) =>
    h(
      "li",
      { class: one.current ? "current" : "" },
      h("span", null, one.agent || "A program", h("small", null, `${one.address}, last used ${new Date(one.last_used_at).toLocaleString()}`)),
      one.current ? h("b", null, "This device") : h("button", { type: "button", class: "button quiet", onclick: () => end(one.id) }, "Log out"),
    );
  /** @param {string} id */
  const end = (id) => tried(async () => (await app.api.request("DELETE", `/session/${id}`), load()));
  const everywhere = () => tried(async () => (await app.session.logOutEverywhere(), (location.hash = "#/")));
  load();
  const button = h("button", { type: "button", id: "everywhere", class: "button", onclick: everywhere }, "Log out everywhere");
  return h("section", { "aria-label": "Where you are logged in" }, h("h2", null, "Where you are logged in"), list, said, button);
}

const newPassword = (/** @type {string} */ label) => field(label, "password", "password", "new-password", { minlength: 8, maxlength: 128 });
const email = () => field("E-mail", "email", "email", "email", { maxlength: 254 });

/** @type {Record<string, (app: import("../app.js").App, token: string) => Form>} */
const forms = {
  account: ({ session }) => ({
    title: "Your account",
    lead: session.user ? [session.user.name, session.user.email].filter(Boolean).join(", ") : "Log in first.",
    fields: [field("Present password", "old", "password", "current-password", { maxlength: 128 }), newPassword("New password")],
    submit: "Change the password",
    send: async (data) => (await session.changePassword(data.old, data.password), "The password is changed. Other devices are logged out."),
  }),
  forgot: ({ session }) => ({
    title: "Forgot your password?",
    lead: "We mail you a link to set a new one.",
    fields: [email()],
    submit: "Send the link",
    send: async (data) => (await session.askReset(data.email.trim()), "If there is an account with this e-mail, the link is on its way."),
  }),
  reset: ({ api }, token) => ({
    title: "Set a new password",
    lead: "All devices are logged out with it.",
    fields: [newPassword("New password")],
    submit: "Set the password",
    send: async ({ password }) => (await api.post("/user/password/reset/confirm", { token, password }), "The password is set. Log in with it."),
  }),
  email: ({ api }, token) => ({
    title: "Confirm your new e-mail",
    lead: "From now on you log in with this address.",
    fields: [],
    submit: "Confirm",
    send: async () => `Your e-mail is ${(await api.post("/user/email/confirm", { token })).email} now.`,
  }),
  guest: ({ session }) => ({
    title: "Your tickets",
    lead: "You bought them as a guest. Whoever has this link has them.",
    fields: [
      h("p", null, h("a", { class: "link", href: "#/keep" }, "Make an account of it"), " with a password, or ", h("a", { class: "link", href: "#/join" }, "take them into the account"), " that you have."),
    ],
    submit: "Show my tickets",
    send: async () => {
      await session.openGuest(kept);
      location.hash = "#/tickets";
      return "Here they are.";
    },
  }),
  keep: ({ api }) => ({
    title: "Make an account of it",
    lead: "Your e-mail and your tickets stay; from now on you log in with a password.",
    fields: [newPassword("Password")],
    submit: "Make the account",
    send: async ({ password }) => (await api.post("/user/guest/claim", { token: kept, password }), "The account is yours. Log in with your e-mail and the password."),
  }),
  join: ({ api, session }) => ({
    title: "Take the tickets into your account",
    lead: session.user && session.user.role !== "guest" ? `They go to ${session.user.email}.` : "Log in to the account with the e-mail that the letter came to, then open the link again.",
    fields: [],
    submit: "Take them",
    send: async () => `${(await api.post("/user/guest/hand-over", { token: kept })).tickets} tickets are in your account now.`,
  }),
  claim: ({ api, session }, token) => ({
    title: "Become the first admin",
    lead: "This cluster has no admin yet. The link works once.",
    fields: [field("Name", "name", "text", "name", { maxlength: 120 }), email(), newPassword("Password")],
    submit: "Become the admin",
    send: async ({ name, email: address, password }) => {
      await api.post("/admin/claim", { token, name, email: address.trim(), password });
      await session.logIn(address.trim(), password);
      return "You are the admin now.";
    },
  }),
};
