// Numbers as text to read, and as files to keep: JSON and NumPy's .npy, made from what the page holds.

// The article's format: 0, two digits below one, three below ten, else one decimal.
export function short(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1) return String(Number(value.toPrecision(2)));
  if (size < 10) return value.toPrecision(3);
  return value.toFixed(1);
}
export const percent = (value) => `${(100 * value).toFixed(value >= 0.0995 ? 0 : value >= 0.00995 ? 1 : 2)}\u00a0%`;

// Nested lists of {shape, data}, rounded as the file's own numbers are.
export function nested({ shape, data }, axis = 0, start = 0) {
  if (axis === shape.length) return Number(data[start].toPrecision(4));
  const size = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return Array.from({ length: shape[axis] }, (_, at) => nested({ shape, data }, axis + 1, start + at * size));
}

// Version 1.0 of the format: magic, length of the header, header padded so that the data start at a multiple of 64, little-endian floats.
export function npy({ shape, data }) {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + "\n";
  const bytes = new Uint8Array(10 + padded.length + 4 * data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 255, padded.length >> 8]);
  for (let at = 0; at < padded.length; at++) bytes[10 + at] = padded.charCodeAt(at);
  const view = new DataView(bytes.buffer, 10 + padded.length);
  data.forEach((value, at) => view.setFloat32(4 * at, value, true));
  return bytes;
}

// A tensor of nested lists, for figures whose numbers are lists in the file.
export function fromNested(lists) {
  const shape = [];
  for (let inner = lists; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  return { shape, data: Float32Array.from(lists.flat(shape.length - 1)) };
}

export function download(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages from a disk may not have a clipboard; the old way needs a selection.
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
