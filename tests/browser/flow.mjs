// Walks the whole way in a real browser: list, search, map, account, hold, declined card, pay, tickets; a second person
// watches the seats turn taken, and is offered the next best when somebody is faster.
//
// BASE_URL        where the page is (default: starts mock.mjs)
// EVENT           words to search for the event to buy (default: the first event that is on sale)
// SCREENSHOT_DIR  where pictures go (default: none are kept)
// PATIENCE_MS     how long to wait for anything on the page (default: 15000)
// CHROMIUM        the browser (default: /usr/bin/chromium)

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { startMock } from "./start.mjs";
import * as steps from "./steps.mjs";

const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
const shots = process.env.SCREENSHOT_DIR;
if (shots) await mkdir(shots, { recursive: true });

const mock = process.env.BASE_URL ? null : await startMock();
const base = process.env.BASE_URL ?? mock.url;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
/** Anything that a page complained about. */
const complaints = [];

/** A person with a browser of their own. */
async function person(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 850 }, ...options });
  context.setDefaultTimeout(Number(process.env.PATIENCE_MS ?? 15_000));
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource|WebSocket connection/.test(message.text())) complaints.push(message.text());
  });
  return page;
}

let number = 0;
const shoot = async (page, name) => shots && page.screenshot({ path: join(shots, `${String(++number).padStart(2, "0")}-${name}.png`) });

async function step(name, run) {
  const began = Date.now();
  const result = await run();
  console.log(`ok  ${name}  (${Date.now() - began} ms)`);
  return result;
}

async function walk() {
  const buyer = await person();
  const words = await step("the list shows events that are on sale", async () => {
    await buyer.goto(base);
    await buyer.waitForSelector(".card");
    await buyer.waitForFunction(() => document.querySelector(".card .thumb")?.naturalWidth > 0); // An image or a poster is drawn.
    await shoot(buyer, "list");
    return process.env.EVENT ?? (await steps.firstOnSale(buyer));
  });
  await step("search finds the event, and says so when there is nothing", async () => {
    await steps.search(buyer, "zzzqqqxxx");
    await buyer.waitForSelector(".empty");
    await steps.search(buyer, words);
    await buyer.waitForSelector(".card");
    assert.match(await buyer.innerText(".intro"), /event/i);
    await shoot(buyer, "search");
  });
  await step("the event opens with its live map", async () => {
    await buyer.click(".card >> nth=0");
    await buyer.waitForSelector(".live.live");
    await steps.settle(buyer);
    await shoot(buyer, "map");
  });
  await step("two seats are picked on the map", async () => {
    await steps.pickOnMap(buyer, 2);
    await shoot(buyer, "picked");
  });
  const seats = await steps.pickedSeats(buyer);
  /** Those that the other person sees in one row. */
  const row = seats.filter((seat) => seat.section === seats[0].section && seat.row === seats[0].row);
  const other = await person();
  await step("another person sees these seats free in the list", async () => {
    await other.goto(buyer.url());
    await other.waitForSelector(".live.live");
    await steps.openRow(other, seats[0]);
    for (const seat of row) assert.match(await steps.seatClass(other, seat), /free/);
    await steps.clickSeat(other, seats[0]);
    await steps.picked(other, 1);
    await shoot(other, "list-of-seats");
  });
  await step("holding asks for an account, then holds", async () => {
    await buyer.click("#hold");
    await buyer.waitForSelector("dialog[open]");
    await shoot(buyer, "register");
    await steps.register(buyer);
    await buyer.waitForSelector(".clock");
    assert.match(await buyer.innerText(".clock"), /\d+:\d\d/);
    await steps.settle(buyer);
    await shoot(buyer, "held");
  });
  await step("the other person sees them taken live, and takes the next best", async () => {
    await other.waitForSelector(".toast .take");
    for (const seat of row) await steps.waitForSeat(other, seat, "taken");
    await shoot(other, "just-taken");
    await other.click(".toast .take");
    const now = await steps.picked(other, 1);
    assert.notDeepEqual(now[0], seats[0]);
  });
  await step("the hold survives a reload", async () => {
    await buyer.reload();
    await buyer.waitForSelector(".clock");
    assert.deepEqual(steps.sorted(await steps.picked(buyer, seats.length)), steps.sorted(seats));
  });
  await step("a declined card keeps the hold", async () => {
    await buyer.check("#pm_test_declined");
    await buyer.click("#pay");
    await buyer.waitForSelector(".notice.error");
    assert.match(await buyer.innerText(".notice.error"), /declined/i);
    assert.ok(await buyer.isVisible(".clock"));
    assert.deepEqual(steps.sorted(await steps.pickedSeats(buyer)), steps.sorted(seats));
    await shoot(buyer, "declined");
  });
  await step("the other card pays", async () => {
    await buyer.check("#pm_test_ok");
    await buyer.click("#pay");
    await buyer.waitForSelector('.tray[data-phase="done"]');
    await steps.settle(buyer);
    await shoot(buyer, "paid");
  });
  await step("the tickets are there, at most after their delivery", async () => {
    await buyer.click('.tray a[href="#/tickets"]');
    await buyer.waitForSelector(".stub");
    await shoot(buyer, "tickets-first");
    await buyer.waitForFunction((count) => document.querySelectorAll(".stub.valid").length >= count, seats.length);
    const text = await buyer.innerText(".tickets");
    for (const seat of seats) assert.ok(text.includes(`row ${seat.row}`) && text.includes(`seat ${seat.seat}`), `${JSON.stringify(seat)} in ${text}`);
    await shoot(buyer, "tickets");
  });
  await step("a ticket shows its code", async () => {
    await buyer.click(".stub.valid >> nth=0 >> text=Show the code");
    await buyer.waitForFunction(() => (document.querySelector(".papers .code img")?.naturalWidth ?? 0) > 0);
    await shoot(buyer, "code");
  });
  await step("the account lists where its owner is logged in", async () => {
    await buyer.click('a[href="#/account"]');
    await buyer.waitForSelector(".sessions li.current");
    await shoot(buyer, "sessions");
  });
  await step("best available on a telephone, given back again", async () => steps.onTelephone(await person(steps.TELEPHONE), base, words, shoot));
  await step("a stale map: the refusal names the seat and offers another", async () => steps.staleMap(await person(), await person(), base, words, shoot));
  await step("the keyboard alone is enough to choose", async () => steps.keyboardOnly(await person(), base, words));
  await step("logging out everywhere hides the tickets", async () => {
    await buyer.click("#everywhere");
    await buyer.waitForSelector('#account >> text=Log in');
    await buyer.click("text=My tickets");
    await buyer.waitForSelector("text=Log in to see your tickets");
  });
  assert.deepEqual(complaints, [], "nothing was complained about in the console");
}

let failed = false;
try {
  await walk();
  console.log("passed");
} catch (error) {
  failed = true;
  console.error(error);
  for (const [at, context] of browser.contexts().entries()) {
    if (shots) await context.pages()[0]?.screenshot({ path: join(shots, `failed-${at}.png`) }).catch(() => {});
  }
  if (complaints.length > 0) console.error("complaints:", complaints);
} finally {
  await browser.close();
  mock?.stop();
}
process.exit(failed ? 1 : 0);
