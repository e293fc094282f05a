// What the documentation says of schemas, as data: no DOM here, so that it can be tested alone.

/**
 * Follows a reference inside the document.
 * @param {any} document
 * @param {any} value
 * @returns {any} what it refers to, or the value itself
 */
export function resolve(document, value) {
  const target = value?.$ref;
  if (typeof target !== "string") return value ?? {};
  const steps = target.slice(2).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  return steps.reduce((at, step) => at?.[step], document) ?? {};
}

/**
 * The name of the schema that a reference leads to.
 * @param {any} schema
 */
export const nameOf = (schema) => (typeof schema?.$ref === "string" ? schema.$ref.split("/").at(-1) : null);

/**
 * A schema's kind in a few words: "list of Event", "integer from 1 to 100", "one of in, out".
 * @param {any} document
 * @param {any} schema
 * @returns {string}
 */
export function kind(document, schema) {
  const name = nameOf(schema);
  const whole = resolve(document, schema);
  if (whole.const !== undefined) return JSON.stringify(whole.const);
  if (whole.enum) return `one of ${whole.enum.filter((/** @type {any} */ one) => one !== null).join(", ")}`;
  const choices = whole.anyOf ?? whole.oneOf;
  if (choices) return name ?? choices.map((/** @type {any} */ one) => kind(document, one)).join(" or ");
  const types = [whole.type ?? "anything"].flat();
  const main = types.find((type) => type !== "null");
  if (main === "array") return whole.items ? `list of ${kind(document, whole.items)}` : "list";
  if (main === "object") return name ?? "object";
  const words = [whole.format ?? main];
  if (whole.minimum > 0 || whole.maximum < 2 ** 32 - 1) words.push(`from ${whole.minimum ?? 0} to ${whole.maximum}`);
  if (whole.maxLength) words.push(`of ${whole.minLength ?? 0} to ${whole.maxLength} characters`);
  if (whole.maxItems) words.push(`of at most ${whole.maxItems} items`);
  return words.join(" ");
}

/**
 * The schema whose members are worth showing: through lists and "or null" to an object.
 * @param {any} document
 * @param {any} schema
 * @returns {any | null}
 */
export function inner(document, schema) {
  const whole = resolve(document, schema);
  if (whole.properties) return whole;
  if (whole.items) return inner(document, whole.items);
  for (const choice of whole.anyOf ?? []) {
    const found = inner(document, choice);
    if (found) return found;
  }
  return null;
}

/**
 * A value that fits a schema, to show what an answer looks like.
 * @param {any} document
 * @param {any} schema
 * @param {number} [depth] how deep we are: references below a few steps are left out
 * @returns {any}
 */
export function sample(document, schema, depth = 0) {
  const whole = resolve(document, schema);
  if (whole.const !== undefined) return whole.const;
  if (whole.default !== undefined) return whole.default;
  if (whole.enum) return whole.enum[0];
  if (whole.anyOf) return sample(document, whole.anyOf[0], depth);
  const type = [whole.type].flat().find((one) => one !== "null");
  if (type === "object" || whole.properties) return sampleObject(document, whole, depth);
  if (type === "array") return whole.items && depth < 6 ? [sample(document, whole.items, depth + 1)] : [];
  if (type === "integer" || type === "number") return whole.minimum ?? 0;
  if (type === "boolean") return false;
  if (whole.format === "date-time") return "2031-05-01T17:30:00Z";
  return sampleText(whole.pattern);
}

function sampleObject(/** @type {any} */ document, /** @type {any} */ whole, /** @type {number} */ depth) {
  const names = depth < 4 ? Object.keys(whole.properties ?? {}) : (whole.required ?? []);
  return Object.fromEntries(names.map((/** @type {string} */ name) => [name, sample(document, whole.properties?.[name], depth + 1)]));
}

/** @param {string | undefined} pattern */
function sampleText(pattern) {
  const prefix = /^\^([a-z]{3}_)/.exec(pattern ?? "")?.[1];
  if (prefix) return `${prefix}${"0".repeat(prefix === "lay_" ? 64 : 26)}`;
  if (pattern === "^[A-Z]{3}$") return "EUR";
  if (pattern?.startsWith("^[0-9]+:")) return "3:81263";
  return "...";
}

/**
 * A command line that sends a request.
 * @param {string} origin
 * @param {string} method
 * @param {string} path
 * @param {any} operation
 */
export function curl(origin, method, path, operation) {
  const words = [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}${quote(origin + path)}`];
  if (operation.security?.some((/** @type {any} */ way) => way.bearer)) words.push('-H "Authorization: Bearer $TOKEN"');
  const parameters = operation.parameters ?? [];
  if (parameters.some((/** @type {any} */ one) => one.$ref?.endsWith("/idempotency-key"))) words.push('-H "Idempotency-Key: $(uuidgen)"');
  for (const one of parameters.filter((/** @type {any} */ one) => one.in === "header" && one.required)) words.push(`-H "${one.name}: ..."`);
  const example = operation.requestBody?.content?.["application/json"]?.example;
  if (example) words.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(example))}`);
  return words.join(" \\\n  ");
}

const quote = (/** @type {string} */ text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Whether a request is about what somebody looks for: every word stands somewhere in it.
 * @param {string} query
 * @param {string[]} texts
 */
export function matches(query, texts) {
  const all = texts.join(" ").toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}
