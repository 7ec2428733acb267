// What each figure is called, which part of a layer it takes, what it shows of it, and how: one row per figure, in reading order.

export const contents = {
  predictions: { title: "The verdict", part: "the output", shows: "activation", how: "bars" },
  dictionary: { title: "A dictionary for every position", cut: "spatial", part: "position", shows: "activation", how: "pictures and bars" },
  vector: { title: "The position as one picture", cut: "spatial", part: "position", shows: "activation", how: "pictures" },
  grid: { title: "The whole photo through one layer", cut: "spatial", part: "all positions", shows: "activation", how: "pictures" },
  grids: { title: "From edges to parts to things", cut: "spatial", part: "all positions, several layers", shows: "activation", how: "pictures and sizes" },
  spatial: { title: "What a place speaks for", cut: "spatial", part: "positions", shows: "attribution", how: "pictures and light" },
  channels: { title: "Which detectors carry the verdict", cut: "channel", part: "channels", shows: "attribution", how: "pictures and bars" },
  unit: { title: "One channel", cut: "channel", part: "channel", shows: "both", how: "pictures and light" },
  groups: { title: "Groups of neurons", cut: "group", part: "groups", shows: "both", how: "pictures, colours, a table" },
  flow: { title: "How groups build on groups", cut: "group", part: "groups of two layers", shows: "attribution", how: "pictures and links" },
  teaser: { title: "Why this and not that", cut: "channel", part: "channels", shows: "attribution", how: "pictures and a table" },
  similarity: { title: "Alike to the network", cut: "spatial", part: "positions of all photos", shows: "activation", how: "light" },
  saliency: { title: "From layer to layer", cut: "spatial", part: "positions of two layers", shows: "attribution", how: "light" },
  history: { title: "How such a picture comes about", part: "a picture", shows: "its objective", how: "pictures and a curve" },
  atlas: { title: "An atlas", cut: "spatial", part: "many positions", shows: "activation", how: "pictures" },
};
