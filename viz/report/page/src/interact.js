// Pointers, fingers and keys to the same few wishes: over, out, pick, cancel, zoom. Every figure is driven through these two actions.

// What a finger has tapped stays hovered until a tap elsewhere.
let held = null;
document.addEventListener(
  "pointerdown",
  (event) => {
    if (!held || held.node.contains(event.target)) return;
    const { out } = held;
    held = null;
    out();
  },
  true,
);
function hold(node, out) {
  if (held && held.node !== node) held.out();
  held = { node, out };
}
const listen = (node, listeners) => {
  for (const [name, listener] of Object.entries(listeners)) node.addEventListener(name, listener);
  return () => {
    for (const [name, listener] of Object.entries(listeners)) node.removeEventListener(name, listener);
  };
};
const arrows = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

// A surface of rows x columns cells without an element for each. Wishes: {rows, columns, label, at: [y, x] shown now or null,
// over(y, x), out(), pick(y, x), cancel(), zoom(step), say(y, x): text for screen readers}; all but the first four may lack.
export function cells(node, wishes) {
  let last = null; // the cell, so that moves inside it are free
  const out = () => {
    last = null;
    wishes.out?.();
  };
  const over = (y, x) => {
    if (last && last[0] === y && last[1] === x) return;
    last = [y, x];
    wishes.over(y, x);
  };
  const cellAt = (event) => {
    const box = node.getBoundingClientRect();
    const at = (offset, size, count) => Math.max(0, Math.min(count - 1, Math.floor((offset / size) * count)));
    return [at(event.clientY - box.top, box.height, wishes.rows), at(event.clientX - box.left, box.width, wishes.columns)];
  };
  const current = () => wishes.at ?? last ?? [Math.floor(wishes.rows / 2), Math.floor(wishes.columns / 2)];
  const byKey = (y, x) => {
    over(y, x);
    wishes.say?.(y, x);
  };
  node.tabIndex = 0;
  node.setAttribute("role", "application");
  const describe = () => {
    const keys = ["arrow keys move", wishes.pick && "Enter pins", wishes.zoom && "plus and minus zoom", "Escape clears"].filter(Boolean);
    node.setAttribute("aria-label", `${wishes.label}, ${wishes.rows} by ${wishes.columns} positions; ${keys.join(", ")}`);
  };
  describe();
  const stop = listen(node, {
    pointermove: (event) => event.pointerType !== "touch" && over(...cellAt(event)),
    pointerleave: (event) => event.pointerType !== "touch" && out(),
    // A scroll ends in pointercancel, so this is a tap.
    pointerup: (event) => {
      if (event.pointerType !== "touch") return;
      hold(node, out);
      over(...cellAt(event));
    },
    click: (event) => event.pointerType !== "touch" && event.detail > 0 && wishes.pick?.(...cellAt(event)),
    focus: () => node.matches(":focus-visible") && byKey(...current()),
    blur: () => held?.node !== node && out(),
    keydown: (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const [y, x] = current();
      if (arrows[event.key]) {
        const [dy, dx] = arrows[event.key];
        byKey(Math.max(0, Math.min(wishes.rows - 1, y + dy)), Math.max(0, Math.min(wishes.columns - 1, x + dx)));
      } else if (event.key === "Home") byKey(y, 0);
      else if (event.key === "End") byKey(y, wishes.columns - 1);
      else if (event.key === "Enter" || event.key === " ") wishes.pick?.(y, x);
      else if (event.key === "Escape") {
        wishes.cancel?.();
        out();
      } else if ((event.key === "+" || event.key === "=") && wishes.zoom) wishes.zoom(1);
      else if (event.key === "-" && wishes.zoom) wishes.zoom(-1);
      else return;
      event.preventDefault();
    },
  });
  return {
    update(next) {
      const relabel = next.label !== wishes.label || next.rows !== wishes.rows || next.columns !== wishes.columns;
      wishes = next;
      if (relabel) describe();
    },
    destroy() {
      if (held?.node === node) held = null;
      stop();
    },
  };
}

// One thing to be on: an icon, a class, words of a caption. Wishes: {over(), out(), pick(), cancel()}. With a finger the first tap is "over",
// a second one "pick". Elements that are not buttons become reachable by Tab.
export function hoverable(node, wishes) {
  let touched = -Infinity;
  if (!(node instanceof HTMLButtonElement)) {
    if (!node.hasAttribute("tabindex")) node.setAttribute("tabindex", "0");
    if (!node.hasAttribute("role")) node.setAttribute("role", "button");
  }
  const out = () => wishes.out?.();
  const stop = listen(node, {
    pointerenter: (event) => event.pointerType !== "touch" && wishes.over?.(),
    pointerleave: (event) => event.pointerType !== "touch" && out(),
    pointerup: (event) => {
      if (event.pointerType !== "touch") return;
      touched = event.timeStamp;
      if (held?.node === node) wishes.pick?.();
      else {
        hold(node, out);
        wishes.over?.();
      }
    },
    click: (event) => event.timeStamp - touched > 600 && wishes.pick?.(),
    focus: () => node.matches(":focus-visible") && wishes.over?.(),
    blur: () => held?.node !== node && out(),
    keydown: (event) => {
      if (event.key === "Escape") {
        wishes.cancel?.();
        out();
      } else if ((event.key === "Enter" || event.key === " ") && !(node instanceof HTMLButtonElement)) {
        wishes.pick?.();
        event.preventDefault();
      }
    },
  });
  return {
    update: (next) => (wishes = next),
    destroy() {
      if (held?.node === node) held = null;
      stop();
    },
  };
}
