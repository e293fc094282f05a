// Reads the API's documentation in a real browser: everything is there, nothing is loaded from elsewhere, a request opens by its
// address, the search finds problem codes, it can be read in the dark and on a phone.
//
// BASE_URL        a node
// SCREENSHOT_DIR  where pictures go (default: none are kept)
// CHROMIUM        the browser (default: /usr/bin/chromium)

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { chromium } from "playwright-core";

const base = process.env.BASE_URL;
const shots = process.env.SCREENSHOT_DIR;
if (shots) await mkdir(shots, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const shoot = async (page, name) => shots && page.screenshot({ path: join(shots, `${name}.png`) });

async function walk() {
  const context = await browser.newContext({ viewport: { width: 1360, height: 850 } });
  context.setDefaultTimeout(Number(process.env.PATIENCE_MS ?? 15_000));
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("request", (request) => request.url().startsWith(base) || request.url().startsWith("data:") || complaints.push(`loads ${request.url()}`));

  await page.goto(`${base}/docs`);
  await page.waitForSelector(".operation");
  const api = await (await fetch(`${base}/openapi.json`)).json();
  const count = Object.values(api.paths).flatMap((methods) => Object.keys(methods)).length;
  assert.equal(await page.locator(".operation").count(), count, "every request is there");
  await shoot(page, "docs");

  await page.getByRole("link", { name: "Hold seats", exact: true }).click();
  const hold = page.locator("#createHold");
  await hold.getByText("Idempotency-Key", { exact: true }).waitFor();
  assert.match(await hold.locator("pre").first().textContent(), /^curl/);
  await hold.locator(".answer summary").first().click();
  await hold.getByText('"object": "hold"').waitFor();
  await shoot(page, "docs-hold");

  await page.fill("#query", "payment_declined");
  await page.waitForFunction(() => document.querySelectorAll(".operation:not([hidden])").length < 5);
  assert.ok(await page.locator("#payHold").isVisible(), "a problem code finds who answers it");

  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 390, height: 800 });
  await page.goto(`${base}/docs#logIn`);
  await page.locator("#logIn .inside").waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.ok(!wide, "a phone need not scroll sideways");
  await shoot(page, "docs-dark");
  assert.deepEqual(complaints, []);
}

try {
  await walk();
  console.log("ok  the documentation is whole and works offline");
} finally {
  await browser.close();
}
