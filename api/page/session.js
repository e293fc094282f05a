// Who is logged in. The access token lives in memory only; when it is over, and after a reload, the HttpOnly refresh cookie
// gets another one.

import { ApiError, newKey } from "./api.js";

const FLAG = "boxoffice.known";

/** @typedef {{id: string, name: string, email: string, role?: string}} User */

/** The person's session. */
export class Session {
  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.api = api;
    /** @type {User | null} */
    this.user = null;
    /** The registration under way, so that a repeated one keeps its key. @type {{body: string, key: string} | null} */
    this.registration = null;
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    /** The refresh under way, shared by all who wait for it. @type {Promise<boolean> | null} */
    this.refreshing = null;
    api.renew = () => this.renew();
  }

  /** Takes up the session of an earlier visit, if there was one. */
  async restore() {
    if (!localStorage.getItem(FLAG)) return;
    await this.renew();
  }

  /**
   * The token is no longer good: gets another one, and without that goes on logged out.
   * @returns {Promise<boolean>} whether it is worth another try
   */
  renew() {
    this.refreshing ??= this.refresh().finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  async refresh() {
    if (!localStorage.getItem(FLAG)) return false;
    // A token that is over would be refused here too: the cookie alone counts.
    this.api.token = null;
    try {
      this.enter(await this.api.request("POST", "/session/refresh"));
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.forget();
      return false;
    }
  }

  /** @param {any} answer a session with an access token */
  enter(answer) {
    this.api.token = answer.access_token;
    localStorage.setItem(FLAG, "1");
    this.set(answer.user);
  }

  /** @param {string} email @param {string} password */
  async logIn(email, password) {
    this.enter(await this.api.post("/session", { email, password }));
  }

  /** Goes on with an e-mail alone: the tickets are mailed. @param {string} email */
  async asGuest(email) {
    this.enter(await this.api.post("/user/guest", { email }));
  }

  /** Opens what a guest bought. @param {string} token of the mailed link */
  async openGuest(token) {
    this.enter(await this.api.post("/user/guest/open", { token }));
  }

  /** Other devices are logged out. @param {string} old_password @param {string} password */
  async changePassword(old_password, password) {
    this.enter(await this.api.post("/user/password", { old_password, password }));
  }

  /** @param {string} email */
  async askReset(email) {
    await this.api.post("/user/password/reset", { email });
  }

  /**
   * Opens an account and logs in. A repeated try with the same entries keeps its key, so an unanswered one does no harm.
   * @param {string} name @param {string} email @param {string} password
   */
  async register(name, email, password) {
    const body = JSON.stringify([name, email, password]);
    if (this.registration?.body !== body) this.registration = { body, key: newKey() };
    await this.api.post("/user", { name, email, password }, { key: this.registration.key });
    this.registration = null;
    await this.logIn(email, password);
  }

  async logOut() {
    try {
      await this.api.request("DELETE", "/session");
    } catch {
      // The token is forgotten here in any case.
    }
    this.forget();
  }

  /** Ends every session of the account, this one too. */
  async logOutEverywhere() {
    await this.api.request("DELETE", "/session?all=true", { key: newKey() });
    this.forget();
  }

  forget() {
    this.api.token = null;
    localStorage.removeItem(FLAG);
    this.set(null);
  }

  /** @param {User | null} user */
  set(user) {
    this.user = user;
    for (const listener of this.listeners) listener();
  }
}
