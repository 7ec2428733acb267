// Colours of heat maps and groups, as bytes for canvases.

// CIE LCh (D65) to sRGB bytes; hue in degrees. The article's "hcl".
export function hcl(hue, chroma, luminance) {
  const angle = (hue * Math.PI) / 180;
  const a = Math.cos(angle) * chroma, b = Math.sin(angle) * chroma;
  const inverse = (t) => (t > 6 / 29 ? t * t * t : 3 * (6 / 29) ** 2 * (t - 4 / 29));
  const fy = (luminance + 16) / 116;
  const x = 0.95047 * inverse(fy + a / 500), y = inverse(fy), z = 1.08883 * inverse(fy - b / 200);
  const byte = (linear) => {
    const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * Math.max(0, linear) ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.max(0, Math.min(1, value)));
  };
  return [
    byte(3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
    byte(-0.969266 * x + 1.8760108 * y + 0.041556 * z),
    byte(0.0556434 * x - 0.2040259 * y + 1.0572252 * z),
  ];
}
export const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

// A picture for putImageData: {width, height, pixels}.
const blank = ([height, width]) => ({ width, height, pixels: new Uint8ClampedArray(4 * height * width).fill(255) });

// White where the map has its largest value, black where it has none: to multiply over a picture.
export function spotlight(map, most, power = 1) {
  const image = blank(map.shape);
  map.data.forEach((value, at) => {
    const light = 255 * Math.min(1, Math.max(0, value) / (most || 1)) ** power;
    image.pixels[4 * at] = image.pixels[4 * at + 1] = image.pixels[4 * at + 2] = light;
  });
  return image;
}

// Two maps in orange and blue on white: the complement of the article's [a, (a+b)/2, b], because this page is light; both at once is dark.
export function orangeBlue(a, b) {
  const image = blank(a.shape);
  let most = 0;
  for (const map of [a, b]) for (const value of map.data) most = Math.max(most, value);
  const scale = 1.2 / (most || 1);
  a.data.forEach((value, at) => {
    const one = value * scale, other = b.data[at] * scale;
    image.pixels.set([255 * (1 - other), 255 * (1 - (one + other) / 2), 255 * (1 - one)], 4 * at);
  });
  return image;
}

// The hue of a group among `count`, in degrees.
export const groupHue = (group, count) => (360 / count) * group - 200;
export const groupColour = (group, count) => css(hcl(groupHue(group, count), 70, 62));

// The article's formulas for groups (chroma 4 v, luminance 3 v, opacity v / 10) are made for its activations. Ours are scaled to this at
// their 99th percentile: bright, and not yet glaring.
export const groupScale = 20;

// All groups in one map: hue is the direction of the sum of v^2 e^(i hue), its colourfulness how much they agree, luminance their strength.
// `only` is a group to show alone; `most` is the value that becomes groupScale.
export function groupMap(maps, most, only = -1) {
  const [count, height, width] = maps.shape;
  const image = blank([height, width]);
  const size = height * width;
  const scale = groupScale / (most || 1);
  for (let at = 0; at < size; at++) {
    let re = 0, im = 0, squares = 0, sum = 0;
    for (let group = 0; group < count; group++) {
      if (only >= 0 && group !== only) continue;
      const value = maps.data[group * size + at] * scale;
      const angle = (groupHue(group, count) * Math.PI) / 180;
      re += value * value * Math.cos(angle);
      im += value * value * Math.sin(angle);
      squares += value * value;
      sum += value;
    }
    const strength = sum > 0 ? squares / sum : 0;
    const agreement = squares > 0 ? Math.hypot(re, im) / squares : 0;
    image.pixels.set(hcl((Math.atan2(im, re) * 180) / Math.PI, 4 * strength * agreement, Math.min(92, 3 * strength)), 4 * at);
  }
  return image;
}

// The value that 99 % of an array's positive entries stay below: one bright cell does not darken the rest.
export function percentile99({ data }) {
  const sorted = data.filter((value) => value > 0).sort();
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(0.99 * sorted.length))] : 1;
}
