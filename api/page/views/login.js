// The dialog for logging in and opening an account.

import { announce, fill, h, icon } from "../dom.js";

/**
 * Asks who is there.
 * @param {import("../session.js").Session} session
 * @param {string} [why] what it is needed for
 * @returns {Promise<boolean>} whether somebody is logged in afterwards
 */
export function openLogin(session, why = "") {
  if (session.user) return Promise.resolve(true);
  return new Promise((done) => {
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "login-title" });
    let mode = /** @type {"login" | "register" | "guest"} */ (why ? "register" : "login");

    const words = () => ({ login: "Log in", register: "Create account", guest: "Go on as a guest" })[mode];
    const draw = () => {
      const fresh = mode === "register";
      const guest = mode === "guest";
      const status = h("p", { class: "notice error", role: "alert", hidden: true });
      const submit = h("button", { class: "button primary wide", type: "submit" }, words());
      const form = h(
        "form",
        { method: "dialog", onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), send(form, submit, status)) },
        fresh && field("Name", "name", "text", "name", { maxlength: 200 }),
        field("E-mail", "email", "email", "email", { maxlength: 254 }),
        !guest && field("Password", "password", "password", fresh ? "new-password" : "current-password", fresh ? { minlength: 8, maxlength: 200 } : { maxlength: 200 }),
        fresh && h("p", { class: "hint" }, "At least 8 characters."),
        guest && h("p", { class: "hint" }, "We mail you the link to your tickets. You can make an account of it later."),
        status,
        submit,
      );
      fill(
        dialog,
        h("button", { type: "button", class: "plain close", "aria-label": "Close", onclick: () => dialog.close() }, icon("close")),
        h("h2", { id: "login-title" }, { login: "Log in", register: "Create an account", guest: "Buy as a guest" }[mode]),
        why && h("p", { class: "lead" }, why),
        form,
        h(
          "p",
          { class: "switch" },
          fresh ? "You have one already? " : "New here? ",
          h("button", { type: "button", class: "link", onclick: () => ((mode = fresh ? "login" : "register"), draw()) }, fresh ? "Log in" : "Create an account"),
        ),
        why && !guest && h("p", { class: "switch" }, h("button", { type: "button", class: "link", onclick: () => ((mode = "guest"), draw()) }, "Buy as a guest")),
        mode === "login" && h("p", { class: "switch" }, h("a", { class: "link", href: "#/forgot", onclick: () => dialog.close() }, "Forgot your password?")),
      );
      dialog.querySelector("input")?.focus();
    };

    /** @param {HTMLFormElement} form @param {HTMLButtonElement} submit @param {HTMLElement} status */
    const send = async (form, submit, status) => {
      const data = Object.fromEntries(new FormData(form));
      submit.disabled = true;
      submit.textContent = "One moment ...";
      try {
        if (mode === "guest") await session.asGuest(String(data.email).trim());
        else if (mode === "register") await session.register(String(data.name).trim(), String(data.email).trim(), String(data.password));
        else await session.logIn(String(data.email).trim(), String(data.password));
        announce(`Logged in as ${session.user?.name || session.user?.email}`);
        dialog.close();
      } catch (error) {
        status.textContent = error instanceof Error ? error.message : String(error);
        status.hidden = false;
        submit.disabled = false;
        submit.textContent = words();
      }
    };

    dialog.addEventListener("close", () => {
      dialog.remove();
      done(session.user !== null);
    });
    document.body.append(dialog);
    draw();
    dialog.showModal();
  });
}

/**
 * @param {string} label @param {string} name @param {string} type @param {string} complete
 * @param {Record<string, number>} limits
 */
export function field(label, name, type, complete, limits) {
  return h("label", { class: "field" }, h("span", null, label), h("input", { name, type, autocomplete: complete, required: true, ...limits }));
}
