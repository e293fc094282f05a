// What a person does on the page, as functions.

import assert from "node:assert/strict";

/** A small touch screen that asks for less movement. */
export const TELEPHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, reducedMotion: "reduce" };

/** Waits until two frames have been drawn and glides are over. */
export async function settle(page) {
  await page.evaluate(() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 450)));
}

/** The name of the first event in the list with enough free seats. */
export async function firstOnSale(page) {
  const card = page.locator(".card", { has: page.locator(".avail.good") }).first();
  return (await card.locator("strong").innerText()).replace(/[^\p{L}\p{N} ]/gu, " ").trim().split(/\s+/).slice(0, 3).join(" ");
}

export async function search(page, words) {
  await page.fill("#query", words);
  await page.waitForFunction((text) => decodeURIComponent(location.hash).endsWith(text), words);
  await page.waitForFunction((text) => document.title.startsWith(text) && document.querySelector(".home.searching"), words);
}

/** Finds the event by search and opens it. */
export async function open(page, base, words) {
  await page.goto(`${base}#/search/${encodeURIComponent(words)}`);
  await page.click(".card >> nth=0");
  await page.waitForSelector(".live");
}

/** Clicks on a section of the map until seats are near, then picks free ones that the card beside the pointer names. */
export async function pickOnMap(page, wanted) {
  const taken = /sold|bought|sale|chosen|yours|wheelchair|companion|restricted/i;
  // The map glides to the section; a busy machine may draw it late.
  for (let look = 0; look < 20; look++) {
    const section = await findOnMap(page, { from: [0.5, 0.6], step: 0.02, not: /sold out/i });
    if (section.seat) break;
    if (look % 5 === 0) await page.mouse.click(section.x, section.y);
    await settle(page);
  }
  for (let have = 0; have < wanted; have++) {
    const { x, y, seat } = await findOnMap(page, { from: [0.45, 0.5], step: 0.006, not: taken });
    assert.ok(seat, "seats are near enough to be picked");
    await page.mouse.move(x, y);
    await page.mouse.click(x, y);
    await page.waitForFunction((count) => document.querySelectorAll(".tray .pickedname").length === count, have + 1);
  }
}

/**
 * Moves a pointer over the map, outwards from a point, until the card beside it says something acceptable. All in the page:
 * hundreds of moves of a real mouse would take long.
 */
async function findOnMap(page, { from, step, not }) {
  const found = await page.evaluate(
    ({ from: [fromX, fromY], step, source }) => {
      const canvas = document.querySelector("canvas.map");
      const card = document.querySelector(".hovercard");
      const box = canvas.getBoundingClientRect();
      const spots = [];
      for (let x = 0.02; x < 0.9; x += step) for (let y = 0.06; y < 0.97; y += step) spots.push([x, y]);
      spots.sort((a, b) => Math.hypot(a[0] - fromX, a[1] - fromY) - Math.hypot(b[0] - fromX, b[1] - fromY));
      const unwanted = new RegExp(source, "i");
      for (const [dx, dy] of spots) {
        const [x, y] = [box.x + box.width * dx, box.y + box.height * dy];
        canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: x, clientY: y, pointerType: "mouse", bubbles: true }));
        if (!card.hidden && !unwanted.test(card.innerText)) return { x, y, seat: card.querySelector("dl") !== null };
      }
      return null;
    },
    { from, step, source: not.source },
  );
  assert.ok(found, "something free was found on the map");
  return found;
}

/** What is in the tray: section, row and seat of each place. */
export async function pickedSeats(page) {
  const lines = await page.locator(".tray .pickedname").evaluateAll((nodes) => nodes.map((node) => node.firstChild?.textContent ?? ""));
  return lines.map((line) => {
    const [section, row, seat] = line.split(" · ");
    return { section, row: row?.replace(/^row /, ""), seat: seat?.replace(/^seat /, "") };
  });
}

/** The same once there are so many of them. */
export async function picked(page, count) {
  await page.waitForFunction((wanted) => document.querySelectorAll(".tray .pickedname").length === wanted, count);
  return pickedSeats(page);
}

/** Places in an order of their own, to be compared. */
export const sorted = (seats) => seats.map((seat) => JSON.stringify(seat)).sort();

/** Goes to a row in the list of seats. */
export async function openRow(page, { section, row }) {
  await page.click("#tab-list");
  await page.locator(".seatlist .line", { has: page.locator(`.linename:text-is(${JSON.stringify(section)})`) }).click();
  await page.locator(".seatlist .line", { has: page.locator(`.linename:text-is(${JSON.stringify(`Row ${row}`)})`) }).click();
  await page.waitForSelector(".seatgrid");
}

const seatButton = (page, { seat }) => page.locator(`.seatgrid .seat:text-is(${JSON.stringify(seat)})`);

/** Waits until a seat of the open row looks so; the list is redrawn a moment after the change. */
export const waitForSeat = (page, seat, look) => page.locator(`.seatgrid .seat.${look}:text-is(${JSON.stringify(seat.seat)})`).waitFor();

export const seatClass = (page, seat) => seatButton(page, seat).getAttribute("class");

export const clickSeat = (page, seat) => seatButton(page, seat).click();

let people = 0;

/** Fills in the dialog that asks for an account. */
export async function register(page) {
  people += 1;
  const stamp = Date.now().toString(36);
  await page.fill('dialog input[name="name"]', `Test Person ${people}`);
  await page.fill('dialog input[name="email"]', `person-${people}-${stamp}@example.com`);
  await page.fill('dialog input[name="password"]', `correct horse ${stamp} ${people}`);
  await page.click('dialog button[type="submit"]');
  await page.waitForSelector("dialog", { state: "detached" });
}

/** Best available with the stepper, as a bottom sheet; then everything is given back. */
export async function onTelephone(page, base, words, shoot) {
  await page.goto(base);
  await page.waitForSelector(".card");
  await shoot(page, "telephone-list");
  await open(page, base, words);
  await page.waitForSelector(".live.live");
  await settle(page);
  await shoot(page, "telephone-map");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, "nothing sticks out to the side");
  await page.tap("#best-more");
  await page.tap("#best");
  await register(page);
  await page.waitForSelector(".clock");
  const seats = await picked(page, 3);
  assert.equal(new Set(seats.map(({ section, row }) => `${section}/${row}`)).size, 1, "together in one row");
  await settle(page);
  await shoot(page, "telephone-held");
  await page.tap("text=Give the seats back");
  await page.waitForSelector('.tray[data-phase="choosing"]');
}

/** One person's socket is cut, so that the map is stale; another one is faster. */
export async function staleMap(slow, fast, base, words, shoot) {
  await slow.routeWebSocket(/\/seat\/live$/, () => {});
  await open(slow, base, words);
  await slow.waitForSelector("canvas.map");
  await settle(slow);
  await pickOnMap(slow, 2);
  const [seat, kept] = await pickedSeats(slow);
  await open(fast, base, words);
  await fast.waitForSelector(".live.live");
  await openRow(fast, seat);
  await clickSeat(fast, seat);
  await fast.click("#hold");
  await register(fast);
  await fast.waitForSelector(".clock");
  await slow.click("#hold");
  await register(slow);
  await slow.waitForSelector(".toast .take");
  assert.deepEqual(await picked(slow, 1), [kept], "only the taken seat left the choice");
  await settle(slow);
  await shoot(slow, "conflict");
  await slow.click(".toast .take");
  await picked(slow, 2);
  await slow.click("#hold");
  await slow.waitForSelector(".clock");
  for (const page of [slow, fast]) {
    await page.click("text=Give the seats back");
    await page.waitForSelector('.tray[data-phase="choosing"]');
  }
}

/** Section, row and seat with Tab and Enter only. */
export async function keyboardOnly(page, base, words) {
  await open(page, base, words);
  await page.waitForSelector(".live.live");
  await page.locator("#tab-list").focus();
  await page.keyboard.press("Enter");
  await tabTo(page, ".line:not(:disabled)");
  await page.keyboard.press("Enter");
  await tabTo(page, ".line:not(:disabled)");
  await page.keyboard.press("Enter");
  await tabTo(page, ".seat.free");
  await page.keyboard.press("Enter");
  await picked(page, 1);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-pressed")), "true", "the focus stays on the seat");
}

async function tabTo(page, selector) {
  for (let press = 0; press < 80; press++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((what) => document.activeElement?.matches(what), selector)) return;
  }
  assert.fail(`${selector} was not reached with the Tab key`);
}
