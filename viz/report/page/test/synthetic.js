// A report made of formulas: every figure is there, sizes are those of GoogLeNet, two photos, the same bytes every time.
//   node test/synthetic.js OUT.html      fills the built page in, to look at it
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { png } from "./png.js";

const here = dirname(fileURLToPath(import.meta.url));
const layers = [
  ["mixed3a", 28, 256, 26], ["mixed3b", 28, 480, 26], ["mixed4a", 14, 508, 40], ["mixed4b", 14, 512, 40], ["mixed4c", 14, 512, 46],
  ["mixed4d", 14, 528, 46], ["mixed5a", 7, 832, 46],
];
const side = Object.fromEntries(layers.map(([name, size]) => [name, size]));
const round = (value) => Number(value.toPrecision(4));
const list = (count, value) => Array.from({ length: count }, (_, at) => value(at));
// A number between 0 and 1 for any integers: a hash, so that nothing depends on an order.
function random(...keys) {
  let state = 0x9e3779b9;
  for (const key of keys) {
    state = Math.imul(state ^ (key + 0x7f4a7c15), 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return (state >>> 0) / 4294967296;
}
const bump = (y, x, cy, cx, width) => Math.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * width * width));
const centre = (...keys) => [0.15 + 0.7 * random(...keys, 1), 0.15 + 0.7 * random(...keys, 2)];

function map(shape, value, scale) {
  const size = shape.reduce((a, b) => a * b, 1);
  const bytes = Buffer.alloc(size);
  const index = shape.map(() => 0);
  for (let at = 0; at < size; at++) {
    bytes[at] = Math.round(255 * Math.min(1, Math.max(0, value(...index))));
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return { scale, shape, u8: bytes.toString("base64") };
}
const blob = (size, ...keys) => {
  const [cy, cx] = centre(...keys);
  return map([size, size], (y, x) => bump((y + 0.5) / size, (x + 0.5) / size, cy, cx, 0.16), 2 + random(...keys, 3));
};

const hue = (turn) => [0, 1, 2].map((channel) => 128 + 110 * Math.cos(6.2832 * (turn - channel / 3)));
// Items with a colour and stripes of their own.
function sprite(count, columns, cell, ...keys) {
  const looks = list(count, (at) => [hue(random(...keys, at)), 0.25 + 0.5 * random(...keys, at, 1), random(...keys, at, 2) * 3.14]);
  return png(columns * cell, Math.ceil(count / columns) * cell, (x, y) => {
    const look = looks[Math.floor(y / cell) * columns + Math.floor(x / cell)];
    if (!look) return [255, 255, 255];
    const [colour, frequency, angle] = look;
    const wave = Math.sin(frequency * ((x % cell) * Math.cos(angle) + (y % cell) * Math.sin(angle))) < 0 ? -0.5 : 0.5;
    return colour.map((value) => Math.min(255, value * (0.8 + 0.35 * wave)));
  });
}
const picture = (photo) => (x, y) => {
  const [cy, cx] = centre(photo, 77);
  const inside = Math.hypot(x / 224 - cx, y / 224 - cy) < 0.2;
  return inside ? [225, 150 + 40 * photo, 60] : [70 + 4 * (x >> 3), 110 + 3 * (y >> 3), 180 - 4 * (x >> 4)];
};

const used = [3, 17, 50, 88, 120, 200, 311, 426, 436, 500];
const classes = list(1000, (at) => ({ 967: "espresso", 504: "coffee mug, mug", 968: "cup", 925: "consomme", 809: "soup bowl", 281: "tabby, tabby cat" })[at] ?? `class number ${at}`);
const outputs = [967, 504, 968, 925, 809];

function makePhoto(name, p) {
  const position = (layer, count, limit, scale) =>
    list(side[layer], (y) => list(side[layer], (x) => list(count, (k) => [
      limit[Math.floor(random(p, y >> 1, x >> 1, k) * limit.length)],
      round((scale * (0.1 + bump(y / side[layer], x / side[layer], ...centre(p, 77), 0.25))) / (k + 1)),
    ])));
  const gridLayers = ["mixed3a", "mixed4a", "mixed4d", "mixed5a"];
  const pairNames = ["mixed3a>mixed4a", "mixed3a>mixed4d", "mixed3a>mixed5a", "mixed4a>mixed4d", "mixed4a>mixed5a", "mixed4d>mixed5a"];
  const channelLayers = ["mixed3b", "mixed4a", "mixed4b", "mixed4c", "mixed4d"];
  const three = (...keys) => list(3, (k) => [used[(Math.floor(random(...keys) * 7) + k * 3) % 10], round((3 - k) * (0.5 + random(...keys, k)))]);
  const grouped = (layer, count, key) => ({
    magnitudes: list(count, (g) => round(200 * random(p, key, g))),
    maps: (() => {
      const centres = list(count, (g) => centre(p, key, count, g));
      return map([count, side[layer], side[layer]], (g, y, x) => bump(y / side[layer], x / side[layer], ...centres[g], 0.17), 30);
    })(),
    icons: { cell: 80, sprite: sprite(count, count, 80, p, key, count) },
  });
  const counts = [2, 4, 6];
  const laterGroups = Object.fromEntries(counts.map((count) => [count, {
    ...grouped("mixed4d", count, 5),
    attribution: Object.fromEntries(outputs.map((c) => [c, list(count, (g) => round(8 * random(p, c, g) - 2.5))])),
    ...(p === 0 && { overlay: { cell: 112, sprite: sprite(count, count, 112, p, 6, count) } }),
  }]));
  const flowCases = {};
  for (const aligned of [0, 1])
    for (const earlier of counts)
      for (const later of counts) {
        const flowing = { to_later: list(later, (j) => list(earlier, (i) => round(40 * random(p, aligned, earlier, later, i, j) - 12))),
          to_classes: Object.fromEntries(outputs.map((c) => [c, list(earlier, (i) => round(5 * random(p, c, i) - 2))])) };
        const shares = !aligned && later !== 2;
        flowCases[`${earlier},${later},${aligned}`] = shares ? { like: `${earlier},2,0`, ...flowing } : { ...grouped("mixed4a", earlier, 9 + aligned * later), ...flowing };
      }
  const teaserClasses = outputs.slice(0, 4);
  const teaserPairs = {};
  teaserClasses.forEach((a, i) => teaserClasses.slice(i + 1).forEach((b) => {
    teaserPairs[`${a}-${b}`] = list(6, (k) => ({ channel: used[(k + a + b) % 10], a: round((k < 3 ? 2 - k * 0.4 : -0.5) + random(p, a, b, k)), b: round((k < 3 ? -0.4 : 0.4 + (k - 3) * 0.5) + random(p, b, a, k)) }));
  }));
  return {
    name, size: [224, 224], picture: png(224, 224, picture(p)),
    predictions: outputs.map((c, k) => ({ class: c, p: [0.7213, 0.1402, 0.0611, 0.0223, 0.0098][k] })),
    commands: Object.fromEntries([
      "predictions", "dictionary", "vector", "grids", "spatial", "channels", "history", ...gridLayers.map((layer) => `grid:${layer}`),
      ...pairNames.map((pair) => `saliency:${pair}`), ...counts.map((count) => `groups:${count}`), ...Object.keys(flowCases).map((key) => `flow:${key}`),
      ...Object.keys(teaserPairs).map((pair) => `teaser:${pair}`),
    ].map((key) => [key, `limpid ${key.replace(":", " --of ")} ${name}.png --weights bvlc`]).concat([["unit", `limpid render LAYER:CHANNEL\nlimpid activations ${name}.png --layer LAYER`]])),
    dictionary: { layer: "mixed4d", initial: { x: 5, y: 4 + p }, max: 612.3, top: position("mixed4d", 5, used, 540),
      head: list(14, (y) => list(14, (x) => list(12, (k) => (random(p, y, x, k, 9) < 0.5 ? 0 : round(80 * random(p, y, x, k)))))) },
    grids: Object.fromEntries(gridLayers.map((layer, at) => {
      const n = side[layer], cell = layers.find(([candidate]) => candidate === layer)[3];
      return [layer, { rows: n, columns: n, cell, sprite: sprite(n * n, n, cell, p, 21 + at),
        norms: list(n, (y) => list(n, (x) => round(900 * (0.15 + bump(y / n, x / n, ...centre(p, 77), 0.22))))) }];
    })),
    maps: Object.fromEntries(channelLayers.map((layer, at) => {
      const n = side[layer], scales = used.map((_, k) => 100 + 30 * k);
      const { shape, u8 } = map([used.length, n, n], (k, y, x) => bump(y / n, x / n, ...centre(p, at, k), 0.15), 1);
      return [layer, { channels: used, values: { scales, shape, u8 } }];
    })),
    spatial: {
      layers: gridLayers, pool: "smooth+blur", outputs,
      class_maps: Object.fromEntries(gridLayers.map((layer, at) => [layer, Object.fromEntries(outputs.map((c) => [c, blob(side[layer], p, at, c)]))])),
      position_classes: { ...Object.fromEntries(gridLayers.map((layer) => [layer, position(layer, 5, outputs, 0.3)])), max: Object.fromEntries(gridLayers.map((layer) => [layer, 0.35])) },
      factors: { layer: "mixed4d", classes: [0, 1].map((f) => outputs.map((c, k) => [c, round((1 - 0.15 * k) * (f ? 0.8 : 1))])),
        maps: Object.fromEntries(gridLayers.map((layer) => [layer, [blob(side[layer], p, 31), blob(side[layer], p, 32)]])) },
      pairs: Object.fromEntries(pairNames.map((pair) => {
        const [earlier, later] = pair.split(">").map((layer) => side[layer]);
        return [pair, map([later, later, earlier, earlier], (y2, x2, y1, x1) => bump(y1 / earlier, x1 / earlier, y2 / later, x2 / later, 0.11), 1.7)];
      })),
    },
    channels: {
      layers: channelLayers, class: 967,
      output: { classes: outputs.map((c, k) => [c, [0.7213, 0.1402, 0.0611, 0.0223, 0.0098][k]]), ...Object.fromEntries(channelLayers.map((layer, at) => [layer, three(p, at)])) },
      channel: Object.fromEntries(channelLayers.map((layer, at) => [layer, Object.fromEntries(used.map((channel) => [channel, {
        classes: outputs.map((c, k) => [c, round(1.2 - 0.3 * k + random(channel, c))]),
        ...Object.fromEntries(channelLayers.filter((other) => other !== layer).map((other, o) => [other, three(p, at, channel, o).map(([c, v]) => [c, round(300 * v)])])),
      }]))])),
      max: Object.fromEntries(channelLayers.map((layer) => [layer, 4.5])), class_max: Object.fromEntries(channelLayers.map((layer) => [layer, 2.2])),
    },
    teaser: { layer: "mixed4d", classes: teaserClasses, pairs: teaserPairs },
    groups: { layer: "mixed4d", counts, default: 6, classes: outputs, by_count: laterGroups },
    flow: { earlier: "mixed4a", later: "mixed4d", earlier_counts: counts, later_counts: counts, default: [4, 6], classes: outputs, later_groups: "as groups.by_count", cases: flowCases },
    history: { objective: "class:967", steps: [1, 32, 128, 256, 512], cell: 112, sprite: sprite(5, 5, 112, p, 41),
      scores: list(513, (at) => (at === 40 ? null : round(30 * (1 - Math.exp(-at / 90)) + 3 * random(p, at, 51)))) },
  };
}

let made = null;
export function makeReport() {
  made ??= build();
  return made;
}

export function build() {
  return {
    format: "limpid-report", version: 1, made_by: "limpid 0.1.0 (synthetic)", profile: "fast", net: "formulas in the shape of GoogLeNet", weights_checksum: "0123456789abcdef",
    device: "cpu", seconds: 312.4, command: "limpid report pond.png shore.png -o report.html --weights bvlc", classes,
    layers: layers.map(([name, size, channels]) => ({ name, shape: [size, size, channels], sprite_columns: 16 })),
    icons: Object.fromEntries(layers.map(([name], at) => [name, { cell: 80, columns: 4, channels: used.slice(0, 9), sprite: sprite(9, 4, 80, 71, at) }])),
    units: { mixed4d: { 426: { cell: 80, columns: 4, sprite: sprite(4, 4, 80, 81), items: ["positive", "negative", "diversity", "diversity"], command: "limpid render mixed4d:426 --size 112" } } },
    photos: [makePhoto("pond", 0), makePhoto("shore", 1)],
    // In the order of the hash: no likeness.
    atlas: { layer: "mixed4d", size: [24, 20], command: "limpid report pond.png shore.png --figures grids,spatial,atlas",
      items: list(392, (at) => at).sort((a, b) => random(a, 91) - random(b, 91)).map((position, at) => ({
        photo: Math.floor(position / 196), y: Math.floor((position % 196) / 14), x: position % 14, at: [at % 20, Math.floor(at / 20)],
        class: at === 7 ? null : outputs[at % 5] })) },
    similarity: { layer: "mixed4d", photos: ["pond", "shore"], command: "limpid report pond.png shore.png --figures similarity",
      pairs: Object.fromEntries(["0>0", "0>1", "1>1"].map((pair) => [pair, map([14, 14, 14, 14], (y, x, v, u) => bump(y, x, v, pair === "0>1" ? 13 - u : u, 4), 1)])) },
  };
}

// What limpid report does with the page: the data into their element, nothing else.
export function fill(page, report) {
  const json = JSON.stringify(report).replaceAll("</", "<\\/").replaceAll("<!--", "<\\u0021--");
  return page.replace('id="report-data">null<', () => `id="report-data">${json}<`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.length !== 3) throw new Error("synthetic.js: expected one argument, the html file to write");
  writeFileSync(process.argv[2], fill(readFileSync(join(here, "../dist/report.html"), "utf8"), makeReport()));
}
