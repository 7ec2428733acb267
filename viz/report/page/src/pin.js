// Pinning a channel, from any figure.
import { announce, photo, view } from "./view.svelte.js";

// Pins a channel, or unpins it when it is pinned. `siblings` is the list that it was chosen from, which its column goes on showing.
export function pin(layer, channel, siblings = null) {
  if (view.pinned?.layer === layer && view.pinned.channel === channel) return unpin();
  view.pinned = { layer, channel, siblings: siblings ?? photo().channels?.output?.[layer] ?? null };
  announce(`pinned ${layer}, channel ${channel}`);
}

export function unpin() {
  if (view.pinned) announce("unpinned");
  view.pinned = null;
}
