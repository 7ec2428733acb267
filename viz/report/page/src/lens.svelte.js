// The position under the pointer in any grid, as a share of the photo: the same place in every layer.
export const lens = $state({ at: null, kept: null }); // {layer, v, u}: v down, u to the right, 0 to 1; kept by a click or Enter

export const shownLens = () => lens.at ?? lens.kept;
export function cellOf(grid) {
  const at = shownLens();
  return at ? { y: Math.floor(at.v * grid.rows), x: Math.floor(at.u * grid.columns) } : null;
}
const place = (layer, grid, y, x) => ({ layer, v: (y + 0.5) / grid.rows, u: (x + 0.5) / grid.columns });
export const pointAt = (layer, grid, y, x) => (lens.at = place(layer, grid, y, x));

// What the surface of a grid does, whichever figure it is in.
export function lensWishes(layer, grid) {
  const here = cellOf(grid);
  return {
    rows: grid.rows,
    columns: grid.columns,
    at: here && [here.y, here.x],
    over: (y, x) => pointAt(layer, grid, y, x),
    out: () => (lens.at = null),
    pick(y, x) {
      const next = place(layer, grid, y, x);
      lens.kept = lens.kept?.layer === layer && lens.kept.v === next.v && lens.kept.u === next.u ? null : next;
    },
    cancel: () => (lens.kept = null),
  };
}
