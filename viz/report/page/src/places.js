// Positions of a photo that are worth a look, found from the numbers, with words for captions.
const distance = (a, b) => Math.max(Math.abs(a.y - b.y), Math.abs(a.x - b.x));

// From a dictionary: the loudest position, the loudest one elsewhere whose first channel is another, and the quietest.
export function places({ top }) {
  const all = top.flatMap((row, y) => row.map((entries, x) => ({ y, x, channel: entries[0]?.[0], value: entries[0]?.[1] ?? 0 })));
  all.sort((a, b) => b.value - a.value);
  if (all.length < 3) return [];
  const loudest = all[0], quietest = all.at(-1);
  const other = all.find((place) => distance(place, loudest) > 2 && place.channel !== loudest.channel);
  return [
    { ...loudest, words: "the loudest position" },
    ...(other ? [{ ...other, words: "the loudest that leads with another channel" }] : []),
    { ...quietest, words: "the quietest" },
  ];
}

// The position of a list of rows where `value` is largest.
export function strongest(rows, value) {
  let best = null;
  rows.forEach((row, y) => row.forEach((cell, x) => {
    const here = value(cell);
    if (!best || here > best.value) best = { y, x, value: here };
  }));
  return best;
}
