// The page without a mouse: keys, a finger, a narrow screen; and how soon it answers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { brightest, figure, heat, pixels, shoot, start } from "./browser.js";
import { makeReport } from "./synthetic.js";

const report = makeReport();
const [pond] = report.photos;
let browser, tab, phone;
before(async () => {
  browser = await start();
  [tab, phone] = await Promise.all([browser.open({ report }), browser.open({ report, phone: true })]);
});
after(() => browser.close());
const text = (locator) => locator.innerText();

test("keys: Tab reaches something in every figure, in reading order", async () => {
  const fresh = await browser.open({ report });
  const reached = [];
  for (let presses = 0; presses < 320; presses++) {
    await fresh.keyboard.press("Tab");
    const where = await fresh.evaluate(() => {
      const body = document.activeElement.closest(".body");
      return body ? body.closest("section").id : document.activeElement.closest("footer, nav, section")?.id ?? "";
    });
    if (where && !reached.includes(where)) reached.push(where);
    if (where === "atlas") break;
  }
  assert.deepEqual(reached.filter((id) => id !== "cuts"), ["predictions", "dictionary", "vector", "grid", "grids", "spatial", "channels", "unit", "groups", "flow", "teaser", "similarity", "saliency", "history", "atlas"]);
  await fresh.context().close();
});

test("keys: arrows move the cell, Escape returns, focus is seen, changes are announced", async () => {
  const section = await figure(tab, "dictionary");
  const surface = section.locator(".surface");
  await section.locator(".unit").first().focus();
  await tab.keyboard.press("Shift+Tab");
  assert.equal(await surface.evaluate((node) => node === document.activeElement), true);
  assert.match(await surface.getAttribute("aria-label"), /14 by 14 positions; arrow keys/);
  assert.ok(parseFloat(await surface.evaluate((node) => getComputedStyle(node).outlineWidth)) >= 2, "a visible focus");
  for (const key of ["ArrowDown", "ArrowDown", "ArrowRight"]) await tab.keyboard.press(key);
  assert.match(await text(section.locator(".text")), /^a\s*6,6/);
  assert.match(await text(tab.locator("[role=status]")), /row 6, column 6: channels \d+/);
  await shoot(tab, "keys-dictionary");
  await tab.keyboard.press("Escape");
  assert.match(await text(section.locator(".text")), /^a\s*4,5/);
});

test("keys: Enter pins a cell and a channel, Escape takes them out", async () => {
  const section = await figure(tab, "spatial");
  await section.locator(".surface").nth(2).focus();
  await tab.keyboard.press("ArrowLeft");
  assert.match(await text(section.locator(".classes").first()), /mixed4d at row 7, column 6/);
  await tab.keyboard.press("Enter");
  await section.locator("button.copy").focus();
  assert.match(await text(section.locator(".classes").first()), /mixed4d at row 7, column 6/);
  await section.locator(".surface").nth(2).focus();
  await tab.keyboard.press("Escape");
  assert.match(await text(section.locator(".classes").first()), /Output of the network/);

  const channels = await figure(tab, "channels");
  await channels.locator(".column").nth(2).locator(".unit").nth(1).focus();
  await tab.keyboard.press("Enter");
  assert.equal(await channels.locator(".column.blue").count(), 4);
  await tab.keyboard.press("Escape");
  assert.equal(await channels.locator(".column.blue").count(), 0);
});

test("keys: plus and minus zoom the grids, the picker turns with arrows", async () => {
  const section = await figure(tab, "grids");
  await section.locator(".surface").first().focus();
  const width = () => section.locator(".one").first().evaluate((node) => node.offsetWidth);
  const before = await width();
  await tab.keyboard.press("+");
  await tab.waitForTimeout(550);
  assert.ok((await width()) > 1.4 * before);
  await tab.keyboard.press("-");
  await tab.waitForTimeout(550);
  assert.equal(await width(), before);
  await tab.getByRole("radio").first().focus();
  await tab.keyboard.press("ArrowRight");
  assert.equal(await tab.getByRole("radio").nth(1).getAttribute("aria-checked"), "true");
  await tab.keyboard.press("ArrowRight");
  assert.equal(await tab.getByRole("radio").first().getAttribute("aria-checked"), "true");
});

test("keys: arrows go from picture to picture of the atlas", async () => {
  const section = await figure(tab, "atlas");
  await section.locator(".room canvas").focus();
  const note = () => text(section.locator(".note"));
  await tab.keyboard.press("ArrowRight");
  const first = await note();
  assert.match(first, /^(pond|shore), row \d+, column \d+/);
  assert.equal(await text(tab.locator("[role=status]")), first);
  await tab.keyboard.press("ArrowDown");
  assert.notEqual(await note(), first);
  await tab.keyboard.press("ArrowUp");
  assert.equal(await note(), first);
  await tab.keyboard.press("Escape");
  assert.match(await note(), /Point at a picture/);
});

test("reduced motion: zooming does not move", async () => {
  const still = await browser.open({ report, reducedMotion: "reduce" });
  const section = await figure(still, "grids");
  assert.equal(await section.locator(".one").first().evaluate((node) => getComputedStyle(node).transitionProperty + getComputedStyle(node).transitionDuration), "none0s");
  await still.context().close();
});

test("phone: nothing is wider than 360 px, and text is large enough", async () => {
  for (const { id } of await phone.locator("main section").evaluateAll((nodes) => nodes.map(({ id }) => ({ id })))) {
    if (id !== "cuts") await figure(phone, id);
    await shoot(phone, `phone-${id}`);
    const wide = await phone.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `${id}: the page is ${wide} px wide`);
  }
  const small = await phone.evaluate(() => {
    const found = [];
    const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const size = parseFloat(getComputedStyle(walk.currentNode.parentElement).fontSize);
      if (walk.currentNode.data.trim() && size < 11) found.push(`${size}: ${walk.currentNode.data}`);
    }
    return found;
  });
  assert.deepEqual(small, []);
});

test("a finger: a tap is a hover, a tap elsewhere clears, a second tap pins", async () => {
  const section = await figure(phone, "spatial");
  const surface = section.locator(".surface").nth(2);
  await surface.evaluate((node) => node.scrollIntoView({ block: "center" }));
  const box = await surface.boundingBox();
  const resting = await heat(section.locator(".grid").first());
  await phone.touchscreen.tap(box.x + (10.5 / 14) * box.width, box.y + (3.5 / 14) * box.height);
  assert.deepEqual(brightest(await heat(section.locator(".grid").first())), [6, 20]);
  await shoot(phone, "phone-spatial-tap");
  const side = await section.locator(".title").last().boundingBox();
  await phone.touchscreen.tap(side.x + 5, side.y + 5);
  assert.deepEqual(await heat(section.locator(".grid").first()), resting);
  // Browsers that do not move the focus on a tap have the event alone.
  await phone.touchscreen.tap(box.x + (10.5 / 14) * box.width, box.y + (3.5 / 14) * box.height);
  assert.notDeepEqual(await heat(section.locator(".grid").first()), resting);
  await phone.evaluate(() => document.querySelector("h1").dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, pointerType: "touch" })));
  assert.deepEqual(await heat(section.locator(".grid").first()), resting);

  const channels = await figure(phone, "channels");
  const unit = channels.locator(".column").nth(1).locator(".unit").first();
  await unit.tap();
  assert.notEqual(await heat(channels), null);
  assert.equal(await channels.locator(".column.blue").count(), 0);
  await unit.tap();
  assert.equal(await channels.locator(".column.blue").count(), 4);
  await unit.tap();
  assert.equal(await channels.locator(".column.blue").count(), 0);
});

test("a finger: dragging over a figure scrolls the page and selects nothing", async () => {
  const section = await figure(phone, "similarity");
  const surface = section.locator(".surface").first();
  const box = await surface.boundingBox();
  const before = await phone.evaluate(() => scrollY);
  const session = await phone.context().newCDPSession(phone);
  const touch = (type, y) => session.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x: box.x + 80, y }] });
  await touch("touchStart", box.y + 200);
  for (let y = 190; y >= 40; y -= 15) await touch("touchMove", box.y + y);
  await touch("touchEnd");
  await phone.waitForFunction((from) => scrollY > from + 50, before);
  assert.equal(await section.locator(".marker").count(), 0);
});

// From the event to the frame after it, with everything that the hover changes drawn: the median of 31 hovers. Where neighbours keep the
// machine busy the clock counts them too; then the processor's time on the page's main thread decides. It may take half as long: drawing
// goes on elsewhere.
const surfaces = { dictionary: 0, vector: 0, grid: 0, grids: 0, spatial: 0, groups: 1, similarity: 0, saliency: 1, history: 0, atlas: ".room canvas" };
const hovers = async (node) => {
  const box = node.getBoundingClientRect();
  const times = [];
  for (let at = 0; at < 31; at++) {
    const place = { clientX: box.left + (0.05 + 0.029 * at) * box.width, clientY: box.top + (0.9 - 0.027 * at) * box.height };
    const start = performance.now();
    node.dispatchEvent(new PointerEvent("pointermove", { ...place, bubbles: true, pointerType: "mouse" }));
    await new Promise((done) => requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = done;
      after.port2.postMessage(0);
    }));
    times.push(performance.now() - start);
  }
  node.dispatchEvent(new PointerEvent("pointerleave", { pointerType: "mouse" }));
  return times.sort((a, b) => a - b)[15];
};
test("a hover is answered within 50 ms", async (context) => {
  const session = await tab.context().newCDPSession(tab);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => 1000 * (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value;
  for (const id of Object.keys(surfaces)) await figure(tab, id);
  for (const [id, which] of Object.entries(surfaces)) {
    const section = await figure(tab, id);
    const surface = typeof which === "string" ? section.locator(which) : section.locator(".surface").nth(which);
    let clock = Infinity, processor = Infinity;
    for (let round = 0; round < 3 && clock >= 50; round++) {
      const before = await busy();
      clock = Math.min(clock, await surface.evaluate(hovers));
      processor = Math.min(processor, ((await busy()) - before) / 31);
    }
    context.diagnostic(`${id}: median ${clock.toFixed(1)} ms by the clock, ${processor.toFixed(1)} ms of the processor`);
    assert.ok(processor > 0.1, "the processor's time is measured");
    assert.ok(clock < 50 || processor < 25, `${id}: ${clock} ms by the clock, ${processor} ms of the processor`);
  }
});

test("icons of a channel change with it", async () => {
  const section = await figure(tab, "vector");
  const icon = section.locator(".whole canvas");
  const first = await pixels(icon);
  await section.locator(".surface").focus();
  await tab.keyboard.press("Home");
  assert.notEqual(await pixels(icon), first);
  const [, y, x] = (await text(section.locator("figcaption"))).match(/Row (\d+), column (\d+)/).map(Number);
  assert.equal(x, 0);
  assert.equal(await text(section.locator(".unit .channel").first()), String(pond.dictionary.top[y][x][0][0]));
  assert.deepEqual([...tab.errors, ...phone.errors], []);
});
