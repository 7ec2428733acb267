// Pictures of the file as elements to draw from: each is decoded once, and kept.

const pictures = new Map();

export function picture(uri) {
  let image = pictures.get(uri);
  if (!image) {
    image = new Image();
    image.src = uri;
    pictures.set(uri, image);
  }
  return image;
}

// Calls `draw` now or when the picture is there; returns what cancels it.
export function whenReady(image, draw) {
  if (image.complete && image.naturalWidth > 0) {
    draw(image);
    return () => {};
  }
  const listener = () => draw(image);
  image.addEventListener("load", listener, { once: true });
  return () => image.removeEventListener("load", listener);
}

// Item `index` of a sprite of square cells, row by row, into a box of the canvas.
export function drawItem(context, image, cell, index, x, y, width, height = width) {
  const columns = Math.max(1, Math.round(image.naturalWidth / cell));
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
