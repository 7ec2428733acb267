// What the figures compute, without a browser: formats of numbers, .npy, colours, links of the group graph, places of captions.
import assert from "node:assert/strict";
import { test } from "node:test";
import { groupMap, hcl, orangeBlue, percentile99, spotlight } from "../src/colour.js";
import { bundle, flowCase, links, spread } from "../src/flow.js";
import { fromNested, nested, npy, percent, short } from "../src/numbers.js";
import { places, strongest } from "../src/places.js";
import { build, makeReport } from "./synthetic.js";

test("numbers are written as in the article", () => {
  assert.deepEqual([0, 0.1234, -0.5, 1.2345, 9.876, 12.34, 612.3].map(short), ["0", "0.12", "-0.5", "1.23", "9.88", "12.3", "612.3"]);
  assert.deepEqual([0.7213, 0.0611, 0.0098].map(percent), ["72\u00a0%", "6.1\u00a0%", "0.98\u00a0%"]);
});

test("nested lists and tensors are each other's inverse", () => {
  const lists = [[[1, 2, 3], [4, 5, 6]]];
  assert.deepEqual(fromNested(lists).shape, [1, 2, 3]);
  assert.deepEqual(nested(fromNested(lists)), lists);
});

test("npy: header and data", () => {
  const bytes = Buffer.from(npy({ shape: [3], data: Float32Array.of(1, -2, 0.5) }));
  const length = bytes.readUInt16LE(8);
  assert.equal((10 + length) % 64, 0);
  assert.match(bytes.subarray(10, 10 + length).toString(), /'shape': \(3,\), \} *\n$/);
  assert.deepEqual([0, 4, 8].map((at) => bytes.readFloatLE(10 + length + at)), [1, -2, 0.5]);
  assert.equal(bytes.length, 10 + length + 12);
});

test("hcl is CIELCh", () => {
  assert.deepEqual(hcl(0, 0, 100), [255, 255, 255]);
  assert.deepEqual(hcl(0, 0, 0), [0, 0, 0]);
  // Red, green and blue as CIELCh (D65) has them.
  const near = (found, expected) => found.forEach((value, channel) => assert.ok(Math.abs(value - expected[channel]) <= 2, `${found}`));
  near(hcl(39.999, 104.552, 53.233), [255, 0, 0]);
  near(hcl(136.016, 119.776, 87.737), [0, 255, 0]);
  near(hcl(306.285, 133.808, 32.297), [0, 0, 255]);
});

test("maps become light: zero is black, the largest is white", () => {
  const map = { shape: [1, 3], data: Float32Array.of(0, 1, 2) };
  assert.deepEqual([0, 4, 8].map((at) => spotlight(map, 2).pixels[at]), [0, 128, 255]);
  const both = orangeBlue({ shape: [1, 3], data: Float32Array.of(1, 0, 0) }, { shape: [1, 3], data: Float32Array.of(0, 1, 0) });
  assert.deepEqual([...both.pixels.subarray(0, 3)], [255, 102, 0]);
  assert.deepEqual([...both.pixels.subarray(4, 7)], [0, 102, 255]);
  assert.deepEqual([...both.pixels.subarray(8, 11)], [255, 255, 255]);
});

test("groups: one alone has its hue, equal opposites are grey, nothing is black", () => {
  const maps = { shape: [2, 1, 3], data: Float32Array.of(1, 1, 0, 0, 1, 0) };
  const [alone, mixed, none] = [0, 4, 8].map((at) => [...groupMap(maps, 1).pixels.subarray(at, at + 3)]);
  assert.deepEqual(alone, hcl(-200, 80, 60));
  assert.ok(Math.max(...mixed) - Math.min(...mixed) <= 1, String(mixed));  // hues 180 degrees apart
  assert.deepEqual(none, [0, 0, 0]);
  assert.equal(percentile99({ data: Float32Array.from({ length: 200 }, (_, at) => at) }), 198);
});

test("links: width is the share within the target layer, classes weigh what flows into groups", () => {
  const current = { earlier: { to_later: [[4, -2], [1, 0]] }, later: { attribution: { 7: [2, -1], 9: [0.5, 0] } } };
  const { first, second } = links(current, [7, 9], { class: 7 });
  const width = (side, from, to) => side.find((link) => link.from === from && link.to === to).width;
  assert.equal(width(first, 0, 0), 20);
  assert.equal(width(first, 1, 0), 10);
  assert.equal(width(first, 0, 1), 20 * (1 / 4) * (1 / 2));
  assert.equal(width(second, 0, 0), 20);
  assert.equal(width(second, 1, 0), 10);
  assert.ok(second.every(({ to, active }) => active === (to === 0)));
  // A group of the earlier layer: what leaves it, and the classes by the path.
  const path = links(current, [7, 9], { earlier: 1 });
  assert.ok(path.first.every(({ from, active }) => active === (from === 1)));
  assert.equal(width(path.second, 0, 0), 20);
  assert.equal(width(path.second, 1, 0), 0);
});

test("links end side by side, centred on their node, pushed together where there is no room", () => {
  const side = [{ from: 0, to: 0, width: 10, active: true }, { from: 1, to: 0, width: 20, active: true }, { from: 1, to: 1, width: 5, active: false }];
  spread(side, 60);
  assert.deepEqual(side.map(({ end }) => end), [-10, 5, 0]);
  spread(side, 15);
  assert.deepEqual(side.map(({ end }) => end), [-5, 2.5, 0]);
  assert.match(bundle(0, 0, 100, 50), /^M0,0C[\d.]+,[\d.]+ [\d.]+,[\d.]+ 100,50$/);
});

test("cases of the graph share what they say they share", () => {
  const [photo] = makeReport().photos;
  const shared = flowCase(photo, [4, 6], false);
  assert.equal(shared.earlier.icons, photo.flow.cases["4,2,0"].icons);
  assert.equal(shared.earlier.to_later.length, 6);
  assert.equal(shared.later, photo.groups.by_count[6]);
  assert.equal(flowCase(photo, [3, 6], false), null);
});

test("places of captions are where the numbers say", () => {
  const top = Array.from({ length: 6 }, (_, y) => Array.from({ length: 6 }, (_, x) => [[y < 3 ? 1 : 2, 10 - y - x / 10]]));
  const [loudest, other, quietest] = places({ top });
  assert.deepEqual([loudest.y, loudest.x], [0, 0]);
  assert.deepEqual([other.y, other.x, other.channel], [3, 0, 2]);
  assert.deepEqual([quietest.y, quietest.x], [5, 5]);
  assert.deepEqual(strongest([[1, 5], [3, 2]], (value) => value), { y: 0, x: 1, value: 5 });
});

test("the synthetic report is the same every time", () => assert.equal(JSON.stringify(build()), JSON.stringify(makeReport())));
