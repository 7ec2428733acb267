// The page as a file: one placeholder, nothing loaded, downloads, commands; and what it says when data are missing or broken.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { drawAll, figure, page, shoot, start } from "./browser.js";
import { fill, makeReport } from "./synthetic.js";

const report = makeReport();
let browser;
before(async () => (browser = await start()));
after(() => browser.close());

test("one file with one placeholder, small, that names no other", () => {
  const html = page();
  assert.equal(html.split('<script type="application/json" id="report-data">null</script>').length, 2);
  assert.ok(html.length < 300000, `${html.length} bytes`);
  assert.equal(html.match(/<(script|link|img|iframe)[^>]+(src|href)="(?!data:)[^"]*"/g), null);
  assert.ok(html.indexOf('<meta charset="utf-8">') < 1000);
  assert.match(html, /Copyright \(c\) [\d-]+ \[Svelte Contributors\]/);
  // Names of XML vocabularies and links inside Svelte's messages and licence are text; nothing else may look like an address.
  const addresses = html.match(/https?:\/\/[^"'`\s)]*/g) ?? [];
  assert.deepEqual(addresses.filter((address) => !/^http:\/\/www\.w3\.org\/|^https:\/\/svelte\.dev\/e\/|^https:\/\/github\.com\/sveltejs\/svelte\/graphs\/contributors$/.test(address)), []);
  assert.equal(html.match(/@import|@font-face|url\((?!data:)/g), null);
});

test("no request but for the page itself, whatever is done", async () => {
  const tab = await browser.open({ report });
  await drawAll(tab);
  await tab.getByRole("radio").nth(1).click();
  await tab.locator("#channels .unit").first().click();
  assert.deepEqual(tab.requests.filter((address) => !address.startsWith("data:")), [tab.address]);
  assert.deepEqual(tab.errors, []);
  await tab.context().close();
});

test("figures are drawn when they come near", async () => {
  const tab = await browser.open({ report });
  await tab.locator("#predictions .body").waitFor();
  assert.equal(await tab.locator("#history .body").count(), 0);
  assert.match(await tab.locator("#history").innerText(), /Loading/);
  await figure(tab, "history");
  await tab.context().close();
});

test("an address with a figure's name opens the page there", async () => {
  const tab = await browser.open({ report });
  // From elsewhere: a reload would go where the reader was before.
  await tab.goto("about:blank");
  await tab.goto(`${tab.address}#groups`);
  await tab.locator("#groups .body").waitFor();
  // Figures above may still be drawn, and push.
  await tab.waitForFunction(() => Math.abs(document.getElementById("groups").getBoundingClientRect().y) < 450);
  await tab.context().close();
});

test("every figure shows its command and copies it", async () => {
  const tab = await browser.open({ report, permissions: ["clipboard-read", "clipboard-write"] });
  for (const section of await tab.locator("main section:not(#cuts)").all()) assert.match(await section.locator(".command code").innerText(), /^limpid /);
  const section = await figure(tab, "groups");
  await section.locator("button.copy").click();
  await section.getByText("copied").waitFor();
  assert.equal(await tab.evaluate(() => navigator.clipboard.readText()), report.photos[0].commands["groups:6"]);
  await tab.context().close();
});

// A NumPy file: its shape and numbers.
function readNpy(bytes) {
  assert.equal(bytes.subarray(0, 8).toString("latin1"), "\x93NUMPY\x01\x00");
  const length = bytes.readUInt16LE(8);
  assert.equal((10 + length) % 64, 0);
  const header = bytes.subarray(10, 10 + length).toString("latin1");
  assert.match(header, /^\{'descr': '<f4', 'fortran_order': False, 'shape': \([\d, ]+\), \} *\n$/);
  const shape = header.match(/\(([\d, ]+)\)/)[1].split(",").map((part) => part.trim()).filter(Boolean).map(Number);
  const data = Array.from({ length: (bytes.length - 10 - length) / 4 }, (_, at) => bytes.readFloatLE(10 + length + 4 * at));
  assert.equal(data.length, shape.reduce((a, b) => a * b, 1));
  return { shape, data };
}
async function download(tab, button) {
  const [file] = await Promise.all([tab.waitForEvent("download"), button.click()]);
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
}

test("numbers: every figure gives JSON, arrays also .npy", async () => {
  const tab = await browser.open({ report });
  for (const id of await tab.locator("main section:not(#cuts)").evaluateAll((nodes) => nodes.map((node) => node.id))) {
    const section = await figure(tab, id);
    const { name, bytes } = await download(tab, section.locator("button.json"));
    assert.equal(name, `limpid-pond-${id}.json`);
    const numbers = JSON.parse(bytes);
    assert.equal(numbers.photo, "pond");
    assert.ok(Object.keys(numbers).length > 4, id);
  }
  const spatial = await figure(tab, "spatial");
  await spatial.locator(".save select").selectOption("mixed4d-to-mixed5a");
  const { name, bytes } = await download(tab, spatial.locator("button.npy"));
  assert.equal(name, "limpid-pond-spatial-mixed4d-to-mixed5a.npy");
  const { shape, data } = readNpy(bytes);
  const stored = report.photos[0].spatial.pairs["mixed4d>mixed5a"];
  assert.deepEqual(shape, stored.shape);
  const raw = Buffer.from(stored.u8, "base64");
  for (const at of [0, 100, 5000, data.length - 1]) assert.ok(Math.abs(data[at] - (raw[at] * stored.scale) / 255) < 1e-6);
  // One scale for each channel.
  const maps = await figure(tab, "unit");
  const unit = readNpy((await download(tab, maps.locator("button.npy"))).bytes);
  const { layer, channel } = JSON.parse((await download(tab, maps.locator("button.json"))).bytes);
  assert.deepEqual(unit.shape, [14, 14]);
  const { channels, values } = report.photos[0].maps[layer];
  const at = channels.indexOf(channel), own = Buffer.from(values.u8, "base64").subarray(196 * at, 196 * (at + 1));
  assert.ok(at > 0 && values.scales[at] !== values.scales[0]);
  unit.data.forEach((value, place) => assert.ok(Math.abs(value - (own[place] * values.scales[at]) / 255) < 1e-3));
  await tab.context().close();
});

test("without data the page says what it is", async () => {
  const tab = await browser.open({ html: page() });
  assert.match(await tab.getByRole("alert").innerText(), /no data.*limpid report PHOTO/s);
  assert.equal(await tab.locator("section").count(), 0);
  await tab.context().close();
});

test("data that are cut off or of another version get one clear line", async () => {
  const whole = fill(page(), report);
  const cut = await browser.open({ html: whole.replace('"photos":', '"photos"') });
  assert.match(await cut.getByRole("alert").innerText(), /cannot be read/);
  const newer = await browser.open({ report: { ...report, version: 2 } });
  assert.match(await newer.getByRole("alert").innerText(), /says? .*version 2|version 2/);
  const none = await browser.open({ report: { ...report, photos: [] } });
  assert.match(await none.getByRole("alert").innerText(), /no photo/);
});

test("members that are absent leave their figures out, and nothing breaks", async () => {
  const [photo] = report.photos;
  const every = Object.keys(photo).filter((key) => !["name", "size", "picture"].includes(key));
  for (const absent of every) {
    const { [absent]: _, ...rest } = photo;
    const tab = await browser.open({ report: { ...report, photos: [rest], similarity: undefined, icons: {}, units: undefined } });
    await drawAll(tab);
    assert.deepEqual(tab.errors, [], `without ${absent}`);
    assert.equal(await tab.locator("nav.picker").count(), 0);
    if (!["commands", "maps", "grids"].includes(absent)) assert.equal(await tab.locator(`#${absent}`).count(), 0, absent);
    if (absent === "grids") await shoot(tab, "without-grids");
    await tab.context().close();
  }
  const bare = await browser.open({ report: { ...report, photos: [{ name: photo.name, size: photo.size, picture: photo.picture }], similarity: undefined } });
  assert.deepEqual(await bare.locator("main section").evaluateAll((nodes) => nodes.map((node) => node.id)), ["cuts"]);
  assert.deepEqual(bare.errors, []);
});

test("a network without classes", async () => {
  const photo = structuredClone(report.photos[0]);
  for (const key of ["predictions", "teaser", "history"]) delete photo[key];
  for (const key of ["class_maps", "position_classes", "factors", "outputs"]) delete photo.spatial[key];
  delete photo.channels.class;
  delete photo.channels.output.classes;
  for (const channels of Object.values(photo.channels.channel)) for (const entry of Object.values(channels)) delete entry.classes;
  photo.groups.classes = photo.flow.classes = [];
  for (const count of Object.values(photo.groups.by_count)) delete count.attribution;
  const tab = await browser.open({ report: { ...report, photos: [photo], similarity: undefined, classes: [] } });
  await drawAll(tab);
  assert.deepEqual(tab.errors, []);
  const flow = await figure(tab, "flow");
  assert.ok((await flow.locator("path.for").count()) > 3);
  await flow.locator(".node").first().click();
  await tab.locator("#channels .unit").first().click();
  assert.equal(await tab.locator("#channels .column.blue").count(), 4);
  await shoot(tab, "without-classes");
  assert.deepEqual(tab.errors, []);
  await tab.context().close();
});

test("photos with different members: the picker moves between them", async () => {
  const [photo, other] = report.photos;
  const tab = await browser.open({ report: { ...report, photos: [photo, { name: other.name, size: [320, 200], picture: other.picture, predictions: other.predictions, groups: other.groups }] } });
  await drawAll(tab);
  await tab.getByRole("radio").nth(1).click();
  assert.deepEqual(await tab.locator("main section").evaluateAll((nodes) => nodes.map((node) => node.id)), ["predictions", "cuts", "groups", "similarity"]);
  await figure(tab, "groups");
  await tab.getByRole("radio").nth(0).click();
  await figure(tab, "flow");
  assert.deepEqual(tab.errors, []);
});
