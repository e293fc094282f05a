// Small helpers around the DOM, in place of a library.

/**
 * Creates an element. `on*` properties become listeners, `class` and `dataset` work as expected, booleans become
 * empty attributes or none, everything else an attribute.
 * @param {string} tag
 * @param {Record<string, any> | null} [props]
 * @param {...any} children each a node, text, nothing, or a list of such
 * @returns {any}
 */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name === "style") Object.assign(node.style, value);
    else if (name === "value") /** @type {any} */ (node).value = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

/**
 * Appends children, skipping empty ones.
 * @param {Element} node
 * @param {any[]} children
 */
function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/**
 * Replaces what is in a node.
 * @param {Element} node
 * @param {...any} children each a node, text, nothing, or a list of such
 */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

const SHAPES = {
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5 20 20",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14 6l-6 6 6 6",
  next: "M10 6l6 6-6 6",
  ticket: "M4 8V6h16v2a2 2 0 0 0 0 4v0a2 2 0 0 0 0 4v2H4v-2a2 2 0 0 0 0-4 2 2 0 0 0 0-4ZM14 7v10",
  check: "M5 12.5 10 17l9-10",
  place: "M12 21s7-6 7-11a7 7 0 1 0-14 0c0 5 7 11 7 11ZM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
};

/**
 * A line icon; decoration only, hidden from screen readers.
 * @param {keyof typeof SHAPES} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

let announceTimer = 0;

/**
 * Says something to screen readers, politely.
 * @param {string} text
 */
export function announce(text) {
  const region = document.getElementById("announcer");
  if (!region) return;
  region.textContent = "";
  clearTimeout(announceTimer);
  announceTimer = setTimeout(() => (region.textContent = text), 50);
}

/**
 * Shows a short message with an optional action. Stays longer when there is something to decide.
 * @param {string} text
 * @param {{label: string, run: () => void} | null} [action]
 * @param {"info" | "error"} [tone]
 */
export function toast(text, action = null, tone = "info") {
  const stack = document.getElementById("toasts");
  if (!stack) return;
  const close = () => node.remove();
  const node = h(
    "div",
    { class: `toast ${tone}`, role: tone === "error" ? "alert" : "status" },
    h("p", null, text),
    action && h("button", { type: "button", class: "take", onclick: () => (close(), action.run()) }, action.label),
    h("button", { type: "button", class: "plain", "aria-label": "Dismiss", onclick: close }, icon("close")),
  );
  stack.append(node);
  while (stack.children.length > 3) stack.firstElementChild?.remove();
  setTimeout(close, action ? 20_000 : 7_000);
}

/** Whether the person asked for less movement. */
export const stillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
