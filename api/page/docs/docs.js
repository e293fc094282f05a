// Draws /openapi.json for people: requests by tag, parameters, bodies, answers, a command line for each.

import { announce, fill, h } from "../dom.js";
import { curl, inner, kind, matches, nameOf, resolve, sample } from "./schema.js";

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const contents = /** @type {HTMLElement} */ (document.getElementById("contents"));
const query = /** @type {HTMLInputElement} */ (document.getElementById("query"));

/** Paragraphs, lists and `code` of Markdown: all that the document uses. */
function markdown(/** @type {string | undefined} */ text) {
  const spans = (/** @type {string} */ line) => line.split(/`([^`]+)`/).map((part, at) => (at % 2 ? h("code", null, part) : part));
  const blocks = (text ?? "").split("\n\n").filter(Boolean);
  const items = (/** @type {string} */ block) => block.split("\n").map((line) => h("li", null, spans(line.replace(/^\s*\* /, ""))));
  return blocks.map((block) => (/^\s*\* /.test(block) ? h("ul", null, items(block)) : h("p", null, spans(block))));
}

/** The members of a schema, each with its own in a fold. `seen` ends what refers to itself. */
function members(/** @type {any} */ api, /** @type {any} */ schema, /** @type {string[]} */ seen = []) {
  const whole = inner(api, schema);
  if (!whole) return null;
  const lines = Object.entries(whole.properties).map(([name, member]) => {
    const target = nameOf(member) ?? nameOf(member.items) ?? nameOf(member.anyOf?.find(nameOf)) ?? "";
    const head = [
      h("code", { class: "name" }, name),
      h("span", { class: "type" }, kind(api, member)),
      whole.required?.includes(name) && h("span", { class: "needed" }, "required"),
      member.description && h("div", { class: "note" }, markdown(member.description)),
    ];
    const more = target && seen.includes(target) ? null : inner(api, member);
    if (!more) return h("li", null, head);
    const fold = h("details", null, h("summary", null, head));
    fold.addEventListener("toggle", () => fold.children.length < 2 && fold.append(members(api, member, [...seen, target]) ?? ""));
    return h("li", null, fold);
  });
  return h("ul", { class: "members" }, lines);
}

function parameters(/** @type {any} */ api, /** @type {any} */ operation) {
  const lines = (operation.parameters ?? []).map((/** @type {any} */ one) => {
    const whole = resolve(api, one);
    return h(
      "li",
      null,
      h("code", { class: "name" }, whole.name),
      h("span", { class: "type" }, `${whole.in}, ${kind(api, whole.schema)}`),
      whole.required && h("span", { class: "needed" }, "required"),
      h("div", { class: "note" }, markdown(whole.description)),
    );
  });
  return lines.length > 0 && [h("h3", null, "Parameters"), h("ul", { class: "members" }, lines)];
}

function body(/** @type {any} */ api, /** @type {any} */ operation) {
  const content = operation.requestBody?.content?.["application/json"];
  return content && [h("h3", null, "Body"), markdown(resolve(api, content.schema).description), members(api, content.schema)];
}

function answer(/** @type {any} */ api, /** @type {string} */ status, /** @type {any} */ response) {
  const whole = resolve(api, response);
  const fold = h(
    "details",
    { class: "answer" },
    h("summary", null, h("span", { class: `status ${status < "400" ? "" : "bad"}` }, status), " ", h("span", null, firstLine(whole.description))),
  );
  fold.addEventListener("toggle", () => {
    if (fold.children.length > 1) return;
    const names = Object.keys(whole.headers ?? {});
    const contents = Object.entries(whole.content ?? {}).map(([type, { schema }]) => [
      h("p", null, h("code", null, type), h("span", { class: "type" }, kind(api, schema))),
      schema.anyOf ? schema.anyOf.map((/** @type {any} */ one) => [h("p", { class: "name" }, nameOf(one)), members(api, one)]) : members(api, schema),
      status < "300" && type === "application/json" && h("pre", null, JSON.stringify(sample(api, schema), null, 2)),
    ]);
    const inside = h("div", { class: "note" }, markdown(whole.description), names.length > 0 && h("p", null, `Headers: ${names.join(", ")}`), contents);
    fold.append(inside);
  });
  return fold;
}

const firstLine = (/** @type {string} */ text) => {
  const codes = [...text.matchAll(/^\* `([^`]+)`/gm)].map((found) => found[1]);
  return codes.length > 0 ? codes.join(", ") : text;
};

function access(/** @type {any} */ operation) {
  const roles = operation.security?.map((/** @type {any} */ way) => way.bearer?.[0]).filter(Boolean);
  const scopes = operation.security?.map((/** @type {any} */ way) => way.key?.[1]).filter(Boolean);
  if (!roles?.length) return "Open to everybody.";
  return `For the role ${roles[0]} and above${scopes?.length ? `, and keys with the scope ${scopes[0]}` : "; not for keys of programs"}.`;
}

function operation(/** @type {any} */ api, /** @type {string} */ path, /** @type {string} */ method, /** @type {any} */ told) {
  const fold = h(
    "details",
    { class: "operation", id: told.operationId },
    h("summary", null, h("span", { class: `method ${method}` }, method.toUpperCase()), h("code", { class: "path" }, path), h("span", { class: "about" }, told.summary)),
  );
  fold.addEventListener("toggle", () => {
    if (fold.children.length > 1) return;
    const answers = Object.entries(told.responses).map(([status, response]) => answer(api, status, response));
    const inside = h(
      "div",
      { class: "inside" },
      h("div", { class: "text" }, markdown(told.description)),
      h("p", { class: "note" }, access(told)),
      parameters(api, told),
      body(api, told),
      h("h3", null, "Command line"),
      h("pre", { tabindex: "0", "aria-label": "Command line" }, curl(location.origin, method, path, told)),
      h("h3", null, "Answers"),
      answers,
    );
    fold.append(inside);
  });
  return fold;
}

/** Everything of one tag. */
function section(/** @type {any} */ api, /** @type {any} */ tag) {
  const found = [];
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, told] of Object.entries(methods)) {
      if (told.tags.includes(tag.name)) found.push({ path, method, told });
    }
  }
  const nodes = found.map(({ path, method, told }) => {
    const node = operation(api, path, method, told);
    const codes = Object.values(told.responses).map((response) => resolve(api, response).description);
    const link = h("a", { href: `#${told.operationId}` }, told.summary);
    return { node, link, texts: [path, method, told.summary, told.operationId, told.description ?? "", ...codes] };
  });
  const whole = h("section", { "aria-label": tag.name }, h("h2", null, tag.name), h("p", null, tag.description), nodes.map(({ node }) => node));
  const heading = h("h2", null, tag.name);
  return { whole, heading, nodes };
}

/** Opens what the address names, even if a search has hidden it. */
function open() {
  const node = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(node instanceof HTMLDetailsElement)) return;
  if (node.hidden) {
    query.value = "";
    query.dispatchEvent(new Event("input"));
  }
  node.open = true;
  node.scrollIntoView();
  node.querySelector("summary")?.focus({ preventScroll: true });
}

async function start() {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`/openapi.json: ${response.status}`);
  const api = await response.json();
  const sections = api.tags.map((/** @type {any} */ tag) => section(api, tag));
  fill(main, h("h1", null, `${api.info.title} API ${api.info.version}`), h("div", { class: "text" }, markdown(api.info.description)), sections.map((/** @type {any} */ one) => one.whole));
  fill(contents, sections.map((/** @type {any} */ one) => [one.heading, one.nodes.map((/** @type {any} */ { link }) => link)]));
  query.addEventListener("input", () => {
    let count = 0;
    for (const { whole, heading, nodes } of sections) {
      for (const one of nodes) one.node.hidden = one.link.hidden = !matches(query.value, one.texts);
      const shown = nodes.filter((/** @type {any} */ one) => !one.node.hidden).length;
      whole.hidden = heading.hidden = shown === 0;
      count += shown;
    }
    announce(`${count} requests`);
  });
  document.getElementById("find")?.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", open);
  open();
}

start().catch((error) => fill(main, h("p", { class: "empty", role: "alert" }, `The document cannot be read: ${error.message}`)));
