// The figures in reading order: which data each needs, and what draws it.
import Atlas from "./figures/Atlas.svelte";
import Channels from "./figures/Channels.svelte";
import Cuts from "./figures/Cuts.svelte";
import Dictionary from "./figures/Dictionary.svelte";
import Flow from "./figures/Flow.svelte";
import Grids from "./figures/Grids.svelte";
import Groups from "./figures/Groups.svelte";
import History from "./figures/History.svelte";
import LargeGrid from "./figures/LargeGrid.svelte";
import Predictions from "./figures/Predictions.svelte";
import Saliency from "./figures/Saliency.svelte";
import Similarity from "./figures/Similarity.svelte";
import Spatial from "./figures/Spatial.svelte";
import Teaser from "./figures/Teaser.svelte";
import Unit from "./figures/UnitPage.svelte";
import Vector from "./figures/Vector.svelte";

const some = (object) => object && Object.keys(object).length > 0;

export const figures = [
  { id: "predictions", component: Predictions, has: (photo) => photo.predictions?.length },
  { id: "cuts", component: Cuts, has: () => true },
  { id: "dictionary", component: Dictionary, has: (photo) => photo.dictionary },
  { id: "vector", component: Vector, has: (photo) => photo.dictionary && photo.grids?.[photo.dictionary.layer] },
  { id: "grid", component: LargeGrid, has: (photo) => some(photo.grids) },
  { id: "grids", component: Grids, has: (photo) => some(photo.grids) && Object.keys(photo.grids).length > 1 },
  { id: "spatial", component: Spatial, has: (photo) => photo.spatial && some(photo.grids) },
  { id: "channels", component: Channels, has: (photo) => photo.channels },
  { id: "unit", component: Unit, has: (photo) => photo.channels || photo.dictionary },
  { id: "groups", component: Groups, has: (photo) => photo.groups },
  { id: "flow", component: Flow, has: (photo) => photo.flow },
  { id: "teaser", component: Teaser, has: (photo) => some(photo.teaser?.pairs) },
  { id: "similarity", component: Similarity, has: (_, report) => some(report.similarity?.pairs) },
  { id: "saliency", component: Saliency, has: (photo) => some(photo.spatial?.pairs) },
  { id: "history", component: History, has: (photo) => photo.history },
  { id: "atlas", component: Atlas, has: (_, report) => report.atlas?.items.every((item) => report.photos[item.photo]?.grids?.[report.atlas.layer]) },
];
