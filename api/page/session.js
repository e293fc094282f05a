// Who is logged in. The access token lives in memory only; a reload goes on with the HttpOnly cookie.

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
    api.renew = () => this.renew();
  }

  /** Takes up the session of an earlier visit, if there was one. */
  async restore() {
    if (!localStorage.getItem(FLAG)) return;
    try {
      this.set(await this.api.get("/user"));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.forget();
    }
  }

  /**
   * The token is no longer good: go on with the cookie alone, and without that, logged out.
   * @returns {Promise<boolean>} whether it is worth another try
   */
  async renew() {
    const had = this.api.token !== null;
    this.api.token = null;
    if (!had && this.user) this.forget();
    return had;
  }

  /** @param {string} email @param {string} password */
  async logIn(email, password) {
    const answer = await this.api.post("/session", { email, password });
    this.api.token = answer.access_token;
    localStorage.setItem(FLAG, "1");
    this.set(answer.user);
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
