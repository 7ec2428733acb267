// The data of a report: read from the page once, arrays decoded when somebody first asks for them.

const element = document.getElementById("report-data");

// Null where nobody has filled the page in. A file that is cut off or of another kind says so in `problem`.
export const { report, problem } = read(element ? element.textContent : "null");

function read(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch (error) {
    return { report: null, problem: `The data of this page cannot be read (${error.message}); the file was cut off or edited. Make it again with limpid report.` };
  }
  if (!data) return { report: null, problem: "This page has no data: it is the empty form that limpid report fills in. Make one with: limpid report PHOTO -o report.html" };
  if (data.format !== "limpid-report" || data.version !== 1)
    return { report: null, problem: `This page shows limpid-report version 1, its data say ${data.format} version ${data.version}. Make it again with the limpid that made the page.` };
  return { report: { photos: [], layers: [], classes: [], icons: {}, ...data }, problem: null };
}

const decoded = new WeakMap();

// {shape, data} of an array of the file: value = u8 * scale / 255 or i8 * scale / 127, with one scale or one for each of the first axis.
export function array(map) {
  if (!map) return null;
  let result = decoded.get(map);
  if (!result) {
    const text = atob(map.u8 ?? map.i8);
    const data = new Float32Array(text.length);
    const each = text.length / (map.scales ? map.scales.length : 1);
    for (let at = 0; at < text.length; at++) {
      const byte = text.charCodeAt(at);
      const scale = map.scales ? map.scales[Math.floor(at / each)] : map.scale;
      data[at] = map.u8 !== undefined ? (byte * scale) / 255 : ((byte << 24) >> 24) * (scale / 127);
    }
    result = { shape: map.shape, data };
    decoded.set(map, result);
  }
  return result;
}

// The part [index..., :, :] of an array as a map of the last two axes.
export function part(map, ...index) {
  const whole = array(map);
  if (!whole) return null;
  const shape = whole.shape.slice(index.length);
  const size = shape.reduce((a, b) => a * b, 1);
  let start = 0;
  index.forEach((i, axis) => (start = start * whole.shape[axis] + i));
  return { shape, data: whole.data.subarray(start * size, (start + 1) * size) };
}

// [:, :, y, x] of an array [h2, w2, h1, w1]: what all positions of the later layer owe to one of the earlier.
export function column(map, y, x) {
  const { shape, data } = array(map);
  const [rows, columns, height, width] = shape;
  const result = new Float32Array(rows * columns);
  for (let at = 0; at < result.length; at++) result[at] = data[at * height * width + y * width + x];
  return { shape: [rows, columns], data: result };
}

export function largest(map) {
  let most = 0;
  for (const value of map.data) if (value > most) most = value;
  return most;
}

export const layer = (name) => report.layers.find((candidate) => candidate.name === name);

// "tench, Tinca tinca" is long: figures show the first name, tooltips all.
export const longLabel = (index) => report.classes[index] ?? `class ${index}`;
export const label = (index) => longLabel(index).split(",")[0];

// Where the icon of a channel is: {sheet, index}, or null where there is none.
const places = new WeakMap();
export function icon(layerName, channel) {
  const sheet = report.icons[layerName];
  if (!sheet) return null;
  let place = places.get(sheet);
  if (!place) places.set(sheet, (place = new Map(sheet.channels.map((number, at) => [number, at]))));
  const index = place.get(channel);
  return index === undefined ? null : { sheet, index };
}

// The activation map of a channel over a photo, or null where the file does not have it.
export function activations(photo, layerName, channel) {
  const stored = photo.maps?.[layerName];
  const at = stored ? stored.channels.indexOf(channel) : -1;
  return at < 0 ? null : part(stored.values, at);
}
