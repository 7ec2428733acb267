// The position under the pointer in any grid, as a share of the photo: the same place in every layer.
export const lens = $state({ at: null }); // {layer, v, u}: v down, u to the right, 0 to 1

export const cellOf = (grid) => (lens.at ? { y: Math.floor(lens.at.v * grid.rows), x: Math.floor(lens.at.u * grid.columns) } : null);
export const pointAt = (layer, grid, y, x) => (lens.at = { layer, v: (y + 0.5) / grid.rows, u: (x + 0.5) / grid.columns });
