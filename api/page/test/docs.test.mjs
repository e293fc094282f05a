import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { curl, inner, kind, matches, resolve, sample } from "../docs/schema.js";

const api = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8"));
const ref = (name) => ({ $ref: `#/components/schemas/${name}` });

test("references are followed, with escapes", () => {
  assert.equal(resolve({ a: { "b/c": 7 } }, { $ref: "#/a/b~1c" }), 7);
  assert.deepEqual(resolve(api, ref("Nothing")), {});
});

test("kinds are said in a few words", () => {
  assert.equal(kind(api, ref("Event")), "Event");
  assert.equal(kind(api, { type: "array", items: ref("Event") }), "list of Event");
  assert.equal(kind(api, { type: ["string", "null"], enum: ["in", "out", null] }), "one of in, out");
  assert.equal(kind(api, { type: "integer", minimum: 1, maximum: 100 }), "integer from 1 to 100");
  assert.equal(kind(api, {}), "anything");
});

test("every request has a command line, and every answer a sample", () => {
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      assert.match(curl("http://node", method, path, operation), /^curl/);
      for (const response of Object.values(operation.responses)) {
        for (const content of Object.values(resolve(api, response).content ?? {})) {
          assert.notEqual(sample(api, content.schema), undefined, path);
          inner(api, content.schema);
        }
      }
    }
  }
});

test("a write says who calls and names its attempt", () => {
  const line = curl("http://node", "post", "/event/{id}/hold", api.paths["/event/{id}/hold"].post);
  for (const word of ["-X POST", "'http://node/event/{id}/hold'", "Bearer $TOKEN", "Idempotency-Key", "application/json", "-d '{"]) {
    assert.ok(line.includes(word), line);
  }
  assert.ok(curl("", "post", "/", { requestBody: { content: { "application/json": { example: { a: "it's" } } } } }).includes("it'\\''s"));
});

test("a search finds by every word", () => {
  assert.ok(matches("hold POST", ["/event/{id}/hold", "post"]));
  assert.ok(!matches("hold delete", ["/event/{id}/hold", "post"]));
  assert.ok(matches("", ["x"]));
});
