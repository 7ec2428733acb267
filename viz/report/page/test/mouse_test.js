// Every figure with a mouse: what it shows at rest, what a hover and a click change, and that leaving brings it back.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { away, brightest, figure, heat, pixels, point, shoot, start } from "./browser.js";
import { makeReport } from "./synthetic.js";

const report = makeReport();
const [pond, shore] = report.photos;
let browser, tab;
before(async () => {
  browser = await start();
  tab = await browser.open({ report });
});
after(() => browser.close());
const text = (locator) => locator.innerText();

test("predictions: classes and probabilities", async () => {
  const section = await figure(tab, "predictions");
  assert.match(await text(section), /espresso\s*72\s%\s*coffee mug\s*14\s%/);
  await shoot(tab, "predictions");
});

test("the table of figures lists those of the page and links to them", async () => {
  const links = await tab.locator("#cuts a").evaluateAll((nodes) => nodes.map((node) => node.getAttribute("href")));
  assert.equal(links.length, 15);
  for (const link of links) assert.equal(await tab.locator(link).count(), 1, link);
});

test("dictionary: a hover selects the position, and the vector follows", async () => {
  const section = await figure(tab, "dictionary");
  assert.match(await text(section.locator(".text")), /^a\s*4,5\s*= \[/);  // row, column of "initial"
  await point(tab, section.locator(".surface"), [9, 2], [14, 14]);
  assert.match(await text(section.locator(".text")), /^a\s*9,2\s*= \[/);
  const expected = pond.dictionary.top[9][2].slice(0, 4).map(([channel]) => String(channel));
  assert.deepEqual(await section.locator(".unit .channel").allInnerTexts(), expected);
  assert.match(await section.locator(".unit").first().getAttribute("title"), /^Layer mixed4d, Unit \d+: [\d.]+$/);
  await shoot(tab, "dictionary-hover");
  await away(tab);
  const vector = await figure(tab, "vector");
  assert.deepEqual(await vector.locator(".unit .channel").allInnerTexts(), expected);
  assert.match(await text(vector.locator("figcaption")), /Row 9, column 2/);
});

test("dictionary: icons show where they fire, words of the caption move the square", async () => {
  const section = await figure(tab, "dictionary");
  assert.equal(await heat(section), null);
  await section.locator(".unit").first().hover();
  assert.notEqual(await heat(section), null);
  await section.getByText("the loudest position").hover();
  const loudest = pond.dictionary.top.flatMap((row, y) => row.map((cell, x) => [cell[0][1], y, x])).sort((a, b) => b[0] - a[0])[0];
  assert.match(await text(section.locator("figcaption")), new RegExp(`row ${loudest[1]}, column ${loudest[2]}`));
  assert.equal(await section.locator(".anchor.lit").count(), 1);
});

test("the large grid changes its layer and has a lens", async () => {
  const section = await figure(tab, "grid");
  await section.getByRole("button", { name: "mixed5a" }).click();
  await point(tab, section.locator(".surface"), [3, 6], [7, 7]);
  const lens = section.locator("canvas");
  const box = await lens.boundingBox(), grid = await section.locator(".surface").boundingBox();
  assert.equal(Math.round(box.width), 74);
  assert.ok(box.x + box.width < grid.x + (6.5 / 7) * grid.width, "the lens flips near the right edge");
  await shoot(tab, "grid-hover");
  await away(tab);
  assert.equal(await lens.count(), 0);
});

test("grids: the same place in all layers, in both rows", async () => {
  const section = await figure(tab, "grids");
  await point(tab, section.locator(".surface").nth(2), [7, 3], [14, 14]);
  assert.equal(await section.locator(".marker").count(), 8);
  const places = await section.locator(".marker").evaluateAll((nodes) => nodes.map((node) => node.style.transform));
  assert.deepEqual(places.slice(0, 4), ["translate(700%, 1500%)", "translate(300%, 700%)", "translate(300%, 700%)", "translate(100%, 300%)"]);
  assert.equal(await section.locator("canvas.hot").count(), 2);  // the lens of the layer under the pointer
  await shoot(tab, "grids-hover");
  await away(tab);
  assert.equal(await section.locator(".marker").count(), 0);
  const place = await point(tab, section.locator(".surface").nth(2), [7, 3], [14, 14]);
  await tab.mouse.click(place.x, place.y);
  await away(tab);
  assert.equal(await section.locator(".marker").count(), 8);
  await tab.mouse.click(place.x, place.y);
  await away(tab);
  assert.equal(await section.locator(".marker").count(), 0);
});

test("grids: zoom keeps the centre, both rows scroll together, magnitudes have two rules", async () => {
  const section = await figure(tab, "grids");
  const rows = section.locator(".scroller");
  const width = () => section.locator(".one").first().evaluate((node) => node.offsetWidth);
  const before = await width();
  await section.getByRole("button", { name: "Zoom in" }).click();
  await tab.waitForTimeout(550);
  assert.ok(Math.abs((await width()) / before - 1.5) < 0.02, "x1.5");
  const [a, b] = await rows.evaluateAll((nodes) => nodes.map((node) => node.scrollLeft));
  assert.ok(a > 0 && a === b, `the centre stays: ${a}, ${b}`);
  await rows.nth(0).evaluate((node) => (node.scrollLeft = 77));
  await tab.waitForFunction(() => document.querySelectorAll("#grids .scroller")[1].scrollLeft === 77);
  await section.getByRole("button", { name: "Zoom out" }).click();
  await tab.waitForTimeout(550);
  assert.equal(await width(), before);
  const steep = await pixels(rows.nth(1).locator("canvas").first());
  await section.locator("select").first().selectOption("area");
  assert.notEqual(await pixels(rows.nth(1).locator("canvas").first()), steep);
});

test("spatial: a cell lights what it shares with, before and behind", async () => {
  const section = await figure(tab, "spatial");
  await shoot(tab, "spatial-rest");
  const grids = section.locator(".grid");
  await point(tab, grids.nth(2).locator(".surface"), [3, 10], [14, 14]);
  assert.deepEqual(await section.locator(".grids .title").allInnerTexts(), ["mixed3a: influences", "mixed4a: influences", "mixed4d", "mixed5a: influenced by"]);
  // The synthetic pairs are bright where both layers look at the same place.
  assert.deepEqual(brightest(await heat(grids.nth(0))), [6, 20]);
  assert.deepEqual(brightest(await heat(grids.nth(1))), [3, 10]);
  assert.deepEqual(brightest(await heat(grids.nth(3))), [1, 5]);
  assert.equal(await heat(grids.nth(2)), null);
  assert.match(await text(section.locator(".classes").first()), /mixed4d at row 3, column 10 speaks for/);
  assert.equal(await section.locator(".input .marker.shade").count(), 1);
  await shoot(tab, "spatial-cell");
  await away(tab);
  assert.match(await text(section.locator(".classes").first()), /Output of the network/);
});

test("spatial: classes and factors light all layers; a click keeps a cell", async () => {
  const section = await figure(tab, "spatial");
  const resting = await heat(section.locator(".grid").first());
  await section.locator(".classes").first().getByText("cup").hover();
  const cup = await heat(section.locator(".grid").first());
  assert.notDeepEqual(cup, resting);
  await shoot(tab, "spatial-class");
  await section.locator(".classes").nth(2).getByText("cup").hover();
  assert.notDeepEqual(await heat(section.locator(".grid").first()), cup);
  await away(tab);
  assert.deepEqual(await heat(section.locator(".grid").first()), resting);
  const surface = section.locator(".surface").nth(3);
  const place = await point(tab, surface, [2, 2], [7, 7]);
  await tab.mouse.click(place.x, place.y);
  await section.locator(".classes").first().locator("button").nth(1).hover();  // a class of the kept cell's list
  assert.match(await text(section.locator(".classes").first()), /mixed5a at row 2, column 2/);
  assert.equal(await section.locator(".classes").first().locator(".lit").count(), 1);
  await away(tab);
  assert.match(await text(section.locator(".classes").first()), /mixed5a at row 2, column 2/);
  await tab.mouse.click(place.x, place.y);
  await away(tab);
  assert.match(await text(section.locator(".classes").first()), /Output of the network/);
});

test("channels: hover shows a channel, a click pins it, another unpins", async () => {
  const section = await figure(tab, "channels");
  const columns = section.locator(".column");
  assert.match(await text(columns.nth(0)), /mixed3b\s+Showing 3 of 480/);
  const [[channel]] = pond.channels.output.mixed4c;
  const unit = columns.nth(3).locator(".unit").first();
  await unit.hover();
  assert.notEqual(await heat(section), null);
  assert.match(await text(section.locator(".subject")), new RegExp(`Layer mixed4c, Channel ${channel}`));
  await shoot(tab, "channels-hover");
  await unit.click();
  await away(tab);
  const expected = pond.channels.channel.mixed4c[channel];
  assert.deepEqual(await columns.nth(0).locator(".unit .channel").allInnerTexts(), expected.mixed3b.map(([c]) => String(c)));
  assert.deepEqual(await columns.nth(4).locator(".unit .channel").allInnerTexts(), expected.mixed4d.map(([c]) => String(c)));
  assert.equal(await section.locator(".column.blue").count(), 4);
  assert.equal(await columns.nth(0).evaluate((node) => (node.getAnimations().forEach((a) => a.finish()), getComputedStyle(node).backgroundColor)), "rgb(209, 229, 240)");
  assert.equal(await columns.nth(3).locator(".unit.selected").count(), 1);
  assert.equal(await columns.nth(3).locator(".unit.dimmed").count(), 2);
  await shoot(tab, "channels-pinned");
  const card = await figure(tab, "unit");
  assert.match(await text(card), new RegExp(`The pinned channel: mixed4c, channel ${channel}`));
  await figure(tab, "channels");
  await unit.click();
  await away(tab);
  assert.equal(await section.locator(".column.blue").count(), 0);
  assert.match(await text(section), /Output of the network/);
});

test("groups: the slider changes map and table, a group stands alone, a position fades the rest", async () => {
  const section = await figure(tab, "groups");
  const map = section.locator(".map canvas");
  const cells = section.locator("tbody tr").first().locator("td");
  assert.equal(await cells.count(), 6);
  const six = await pixels(map);
  await section.locator('input[type="range"]').fill("0");
  assert.equal(await cells.count(), 2);
  assert.deepEqual(await cells.allInnerTexts(), pond.groups.by_count[2].attribution[967].map((value) => value.toFixed(3)));
  assert.notEqual(await pixels(map), six);
  await section.locator('input[type="range"]').fill("2");
  assert.equal(await pixels(map), six);
  await section.locator(".head").nth(1).hover();
  assert.notEqual(await pixels(map), six);
  assert.notEqual(await heat(section.locator(".photo")), null);
  await shoot(tab, "groups-group");
  await point(tab, section.locator(".map .surface"), [4, 4], [14, 14]);
  assert.equal(await section.locator(".marker.dashed").count(), 2);
  const fades = await section.locator("thead th").evaluateAll((nodes) => nodes.map((node) => Number(node.style.opacity)));
  assert.ok(new Set(fades).size > 1, String(fades));
  await shoot(tab, "groups-position");
  await away(tab);
});

test("flow: sliders, alignment, classes and groups choose the links", async () => {
  const section = await figure(tab, "flow");
  const colours = () => section.locator("svg:not(h2 svg) path").evaluateAll((nodes) => nodes.map((node) => `${node.getAttribute("class")} ${node.getAttribute("d")} ${node.getAttribute("stroke-width")}`).sort().join("\n"));
  const start = await colours();
  await shoot(tab, "flow-class");
  await section.getByRole("button", { name: "cup", exact: true }).click();
  const cup = await colours();
  assert.notEqual(cup, start);
  await section.getByRole("button", { name: "cup", exact: true }).click();
  assert.equal(await colours(), start);
  await section.getByRole("button", { name: "mixed4a, group 2" }).click();
  const group = await colours();
  assert.ok(group !== start && group !== cup);
  assert.equal(await section.getByRole("button", { name: "mixed4a, group 2" }).getAttribute("aria-pressed"), "true");
  await shoot(tab, "flow-group");
  await section.getByRole("button", { name: "mixed4a, group 2" }).click();
  await section.getByRole("button", { name: "mixed4d, group 3" }).hover();
  assert.equal(await section.locator(".overlay").count(), 1);  // the group dreamed into the photo
  assert.equal(await section.locator(".photo.framed, .framed").count(), 1);
  await section.getByRole("button", { name: "mixed4a, group 1" }).hover();
  assert.equal(await section.locator(".overlay").count(), 0);
  assert.notEqual(await heat(section.locator(".framed")), null);  // without a dream, where it fires
  await away(tab);
  await section.getByLabel("align layer factors").check();
  assert.notEqual(await colours(), start);
  await section.getByLabel("align layer factors").uncheck();
  assert.equal(await colours(), start);
  await section.locator('input[type="range"]').first().fill("0");
  assert.equal(await section.locator(".node").count(), 2 + 6);
  await section.locator('input[type="range"]').first().fill("1");
});

test("teaser: pairs, their reverse, classes that are taken, and where a channel fires", async () => {
  const section = await figure(tab, "teaser");
  const row = (at) => section.locator("tbody tr").nth(at).locator(".value").allInnerTexts();
  const stored = pond.teaser.pairs["967-504"];
  assert.deepEqual(await row(2), stored.map(({ a }) => a.toFixed(2)));
  assert.deepEqual(await row(1), stored.map(({ a, b }) => Math.abs(a - b).toFixed(2)));
  assert.equal(await section.locator("select").first().locator("option", { hasText: "coffee mug" }).evaluate((node) => node.disabled), true);
  await section.getByRole("button", { name: "Swap the two classes" }).click();
  assert.deepEqual(await row(2), [...stored].reverse().map(({ b }) => b.toFixed(2)));
  assert.deepEqual(await row(3), [...stored].reverse().map(({ a }) => a.toFixed(2)));
  await section.locator("select").nth(1).selectOption({ label: "consomme" });
  assert.equal((await row(2)).length, 6);
  await section.locator("button.icon").first().hover();
  assert.notEqual(await heat(section.locator(".photo").first()), null);
  await shoot(tab, "teaser-hover");
  await away(tab);
  assert.equal(await heat(section.locator(".photo").first()), null);
});

test("similarity: a place of one photo lights both", async () => {
  const section = await figure(tab, "similarity");
  const photos = section.locator(".one");
  await point(tab, photos.nth(0).locator(".surface"), [3, 2], [14, 14]);
  assert.deepEqual(brightest(await heat(photos.nth(0))), [3, 2]);
  assert.deepEqual(brightest(await heat(photos.nth(1))), [3, 11]);  // the synthetic pair is mirrored
  await shoot(tab, "similarity-hover");
  await point(tab, photos.nth(1).locator(".surface"), [9, 12], [14, 14]);
  assert.deepEqual(brightest(await heat(photos.nth(0))), [9, 1]);  // "1>0" is "0>1" transposed
  await away(tab);
  assert.equal(await heat(photos.nth(0)), null);
});

test("saliency: either layer asks the other", async () => {
  const section = await figure(tab, "saliency");
  await section.getByRole("button", { name: "mixed3a → mixed5a" }).click();
  const sides = section.locator(".photo");
  await point(tab, sides.nth(1).locator(".surface"), [2, 5], [7, 7]);
  assert.deepEqual(brightest(await heat(sides.nth(0))), [8, 20]);
  await shoot(tab, "saliency-later");
  await point(tab, sides.nth(0).locator(".surface"), [20, 4], [28, 28]);
  assert.deepEqual(brightest(await heat(sides.nth(1))), [5, 1]);
  assert.equal(await heat(sides.nth(0)), null);
  await away(tab);
});

test("history: the curve and the strip point at each other", async () => {
  const section = await figure(tab, "history");
  assert.match(await text(section.locator(".strip li").nth(2)), new RegExp(`step 128: ${pond.history.scores[128].toFixed(1)}`));
  assert.match(await text(section), /class:967 \(espresso\)/);
  await point(tab, section.locator(".curve .surface"), [0, 256], [1, 513]);
  assert.match(await section.locator(".curve .label").textContent(), /step 256: /);
  assert.match(await section.locator(".strip li").nth(3).getAttribute("class"), /hot/);
  await shoot(tab, "history-hover");
  await away(tab);
  assert.equal(await section.locator(".curve .label").count(), 0);
});

test("atlas: zoom, drag and the filter change what is drawn", async () => {
  const section = await figure(tab, "atlas");
  const canvas = section.locator(".room canvas");
  const whole = await pixels(canvas);
  await section.locator("select").selectOption({ label: "cup" });
  const cup = await pixels(canvas);
  assert.notEqual(cup, whole);
  await section.locator("select").selectOption({ label: "shore" });
  assert.notEqual(await pixels(canvas), cup);
  await section.locator("select").selectOption({ label: "cup" });
  await section.getByRole("button", { name: "Zoom in" }).click();
  const near = await pixels(canvas);
  assert.notEqual(near, cup);
  const box = await canvas.boundingBox();
  await tab.mouse.move(box.x + 300, box.y + 200);
  await tab.mouse.down();
  await tab.mouse.move(box.x + 200, box.y + 150);
  await tab.mouse.up();
  assert.notEqual(await pixels(canvas), near);
  assert.match(await text(section.locator(".note")), /Point at a picture|row/);
  await section.locator("select").selectOption({ label: "all positions" });
  await section.getByRole("button", { name: "Zoom out" }).click();
  assert.equal(await pixels(canvas), whole);
});

test("atlas: a picture says which place of which photo it is; a click keeps it", async () => {
  const section = await figure(tab, "atlas");
  const canvas = section.locator(".room canvas");
  const [columns, rows] = report.atlas.size;
  const at = (item) => [[item.at[1], item.at[0]], [rows, columns]];
  const one = report.atlas.items.find((item) => item.photo === 1 && item.at[1] > 2 && item.class === 968);
  await point(tab, canvas, ...at(one));
  assert.equal(await text(section.locator(".note")), `shore, row ${one.y}, column ${one.x}: speaks most for cup`);
  assert.equal(await section.locator(".source img").getAttribute("src"), shore.picture);
  assert.equal(await section.locator(".source .marker").evaluate((node) => node.style.transform), `translate(${100 * one.x}%, ${100 * one.y}%)`);
  await shoot(tab, "atlas-hover");
  await away(tab);
  assert.match(await text(section.locator(".note")), /Point at a picture/);
  const place = await point(tab, canvas, ...at(one));
  await tab.mouse.click(place.x, place.y);
  await away(tab);
  assert.match(await text(section.locator(".note")), /^shore/);
  await tab.mouse.click(place.x, place.y);
  await away(tab);
  assert.match(await text(section.locator(".note")), /Point at a picture/);
  const unnamed = report.atlas.items.find((item) => item.class === null);
  await point(tab, canvas, ...at(unnamed));
  assert.match(await text(section.locator(".note")), /column \d+$/);
  await away(tab);
});

test("commands are those of what is shown", async () => {
  const command = async (id) => text((await figure(tab, id)).locator("code"));
  const saliency = await figure(tab, "saliency");
  await saliency.getByRole("button", { name: "mixed3a → mixed4d" }).click();
  assert.equal(await command("saliency"), pond.commands["saliency:mixed3a>mixed4d"]);
  const groups = await figure(tab, "groups");
  await groups.locator('input[type="range"]').fill("0");
  assert.equal(await command("groups"), pond.commands["groups:2"]);
  await groups.locator('input[type="range"]').fill("2");
  const flow = await figure(tab, "flow");
  await flow.getByLabel("align layer factors").check();
  assert.equal(await command("flow"), pond.commands["flow:4,6,1"]);
  await flow.getByLabel("align layer factors").uncheck();
  assert.match(await command("teaser"), /^limpid teaser --of \d+-\d+ pond\.png/);
  assert.equal(await command("atlas"), report.atlas.command);
  assert.equal(await command("similarity"), report.similarity.command);
});

test("one channel: several pictures where the page has them, and their command", async () => {
  const dictionary = await figure(tab, "dictionary");
  const place = pond.dictionary.top.flatMap((row, y) => row.map((cell, x) => [cell.slice(0, 4).findIndex(([channel]) => channel === 426), y, x])).find(([rank]) => rank >= 0);
  await point(tab, dictionary.locator(".surface"), place.slice(1), [14, 14]);
  await dictionary.locator(".unit").nth(place[0]).click();
  const section = await figure(tab, "unit");
  assert.match(await text(section), /mixed4d, channel 426/);
  assert.deepEqual(await section.locator(".small .title").allInnerTexts(), ["Its opposite", "Also this", "Also this"]);
  assert.equal(await text(section.locator("code")), "limpid render mixed4d:426 --size 112\nlimpid activations pond.png --layer mixed4d");
  await shoot(tab, "unit-sheet");
  await section.getByRole("button", { name: "unpin" }).click();
});

test("the picker changes every figure", async () => {
  const section = await figure(tab, "dictionary");
  await tab.getByRole("radio").nth(1).click();
  assert.equal(await tab.getByRole("radio").nth(1).getAttribute("aria-checked"), "true");
  const { x, y } = shore.dictionary.initial;
  assert.match(await text(section.locator(".text")), new RegExp(`^a\\s*${y},${x}`));
  assert.equal(await section.locator(".photo img").getAttribute("src"), shore.picture);
  assert.match(await text((await figure(tab, "dictionary")).locator("code")), /shore\.png/);
  assert.deepEqual(await (await figure(tab, "channels")).locator(".column").first().locator(".unit .channel").allInnerTexts(), shore.channels.output.mixed3b.map(([c]) => String(c)));
  const nav = await tab.locator("nav.picker").boundingBox();
  assert.equal(nav.y, 0, "the picker stays in sight");
  await tab.getByRole("radio").nth(0).click();
  assert.deepEqual(tab.errors, []);
});
