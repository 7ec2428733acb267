// Pictures of the file as elements to draw from: each is decoded once, and kept.

const pictures = new Map(); // uri -> {bitmap or null, waiting: those to call when it is there}

export function picture(uri) {
  let entry = pictures.get(uri);
  if (!entry) {
    entry = { bitmap: null, waiting: new Set() };
    pictures.set(uri, entry);
    const image = new Image();
    image.onload = async () => {
      // A bitmap stays decoded; drawing from the image would decode it again whenever the browser's cache is full.
      entry.bitmap = await createImageBitmap(image);
      for (const draw of entry.waiting) draw(entry.bitmap);
      entry.waiting.clear();
    };
    image.src = uri;
  }
  return entry;
}

// Calls `draw` with the bitmap, now or when it is there; returns what cancels it.
export function whenReady(entry, draw) {
  if (entry.bitmap) {
    draw(entry.bitmap);
    return () => {};
  }
  entry.waiting.add(draw);
  return () => entry.waiting.delete(draw);
}

// Item `index` of a sprite of square cells, row by row, into a box of the canvas.
export function drawItem(context, image, cell, index, x, y, width, height = width) {
  const columns = Math.max(1, Math.round(image.width / cell));
  context.drawImage(image, (index % columns) * cell, Math.floor(index / columns) * cell, cell, cell, x, y, width, height);
}

// A grid with every picture as large as its activation is strong; `scale` canvas pixels for a pixel of the sprite.
// "squared" is the article's: 0.22 + 0.70 n^2 of the cell; "area" makes areas proportional.
export function drawMagnitudes(canvas, image, grid, rule, scale) {
  const { rows, columns, cell, norms } = grid;
  canvas.width = columns * cell * scale;
  canvas.height = rows * cell * scale;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  const most = Math.max(...norms.map((row) => Math.max(...row))) || 1;
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const share = norms[y][x] / most;
      const side = cell * scale * (rule === "area" ? Math.sqrt(share) : 0.22 + 0.7 * share * share);
      const at = (place) => (place + 0.5) * cell * scale - side / 2;
      context.drawImage(image, x * cell, y * cell, cell, cell, at(x), at(y), side, side);
    }
}
