// What the reader has chosen, shared by all figures: photo, position, layer, pinned channel, numbers of groups.
import { report } from "./report.js";

export const view = $state({
  photo: 0,
  position: { y: 0, x: 0 }, // of the dictionary's layer
  layer: null, // of the large grid
  pinned: null, // {layer, channel, siblings}: siblings are the list that it was picked from
  counts: {}, // number of groups of each layer
  aligned: false,
  announced: "", // read out by screen readers
});

// The data themselves are never reactive: they do not change, and are large.
export const photo = () => report.photos[view.photo];

// What remakes a figure of the photo: the first of these that the file has.
export const commandFor = (...keys) => keys.map((key) => photo().commands?.[key]).find(Boolean) ?? "";

export function choosePhoto(index) {
  view.photo = index;
  view.pinned = null;
  returnToInitial();
  const { grids, groups, flow } = photo();
  if (!grids?.[view.layer]) view.layer = grids ? (grids.mixed4d ? "mixed4d" : Object.keys(grids)[0]) : null;
  const wanted = (layer, counts, count) => {
    if (!counts.includes(view.counts[layer])) view.counts[layer] = counts.includes(count) ? count : counts[counts.length - 1];
  };
  if (groups) wanted(groups.layer, groups.counts, groups.default);
  if (flow) {
    wanted(flow.earlier, flow.earlier_counts, flow.default[0]);
    wanted(flow.later, flow.later_counts, flow.default[1]);
  }
}

export function returnToInitial() {
  view.position = { y: 0, x: 0, ...photo().dictionary?.initial };
}

export function announce(text) {
  view.announced = text;
}
