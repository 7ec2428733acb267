// The graph of groups across two layers: which links there are, how wide and how strongly shown, for a chosen class or group.

// The numbers of one case: groups of the earlier layer, groups of the later one, and what flows between and out of them.
export function flowCase(photo, counts, aligned) {
  const { flow, groups } = photo;
  const later = (flow.later_groups && typeof flow.later_groups === "object" ? flow.later_groups : groups?.by_count)?.[counts[1]];
  const found = flow.cases[`${counts[0]},${counts[1]},${aligned ? 1 : 0}`];
  if (!found || !later) return null;
  return { later, earlier: { ...(found.like ? flow.cases[found.like] : {}), ...found } };
}

const largestSize = (values) => Math.max(1e-9, ...values.map(Math.abs));

// Links {from, to, value, width, active} of both sides; choice is {class}, {later}, {earlier}, or {} for all; the widest link of a layer has `widest` px.
export function links({ earlier, later }, classes, choice, widest = 20) {
  const toLater = earlier.to_later;
  const all = Object.keys(choice).length === 0;
  const toClass = (index, group) => later.attribution?.[index]?.[group] ?? 0;
  const groups = toLater.map((_, group) => group);
  const mostLater = largestSize(toLater.flat());
  const mostClass = largestSize(classes.flatMap((index) => groups.map((group) => toClass(index, group))));
  const mostChosen = choice.class === undefined ? 1 : largestSize(groups.map((group) => toClass(choice.class, group)));
  const mostPath = choice.earlier === undefined ? 1 : largestSize(toLater.map((row) => row[choice.earlier]));

  const first = toLater.flatMap((row, to) =>
    row.map((value, from) => {
      // A class is reached through the later groups, so what flows into a group counts as much as the group does.
      const weight = choice.class !== undefined ? Math.abs(toClass(choice.class, to)) / mostChosen : 1;
      const active = all || choice.class !== undefined || choice.later === to || choice.earlier === from;
      return { from, to, value, width: (widest * weight * Math.abs(value)) / mostLater, active };
    }),
  );
  const second = classes.flatMap((index, to) =>
    groups.map((from) => {
      const value = toClass(index, from);
      const weight = choice.earlier !== undefined ? Math.abs(toLater[from][choice.earlier]) / mostPath : 1;
      const active = all || choice.class === index || choice.later === from || choice.earlier !== undefined;
      return { from, to, value, width: (widest * weight * Math.abs(value)) / mostClass, active };
    }),
  );
  return { first, second };
}

// Places the ends of active links side by side instead of one upon the other, in the order of where they go: adds {start, end}, px from the
// middle of the node. More than `room` px are pushed together, and overlap.
export function spread(side, room) {
  const ends = (node, far, name) => {
    const nodes = new Map();
    for (const link of side) {
      link[name] = 0;
      if (link.active) nodes.set(link[node], [...(nodes.get(link[node]) ?? []), link]);
    }
    for (const own of nodes.values()) {
      own.sort((a, b) => a[far] - b[far]);
      const total = own.reduce((sum, { width }) => sum + width, 0);
      const squeeze = total > 0 ? Math.min(1, room / total) : 1;
      let before = -total / 2;
      for (const link of own) {
        link[name] = squeeze * (before + link.width / 2);
        before += link.width;
      }
    }
  };
  ends("from", "to", "start");
  ends("to", "from", "end");
  return side;
}

// A bundled curve between two points: d3's curveBundle with beta 0.9, as one cubic.
export function bundle(x0, y0, x1, y1) {
  const beta = 0.9;
  const pull = (share, y) => [x0 + (x1 - x0) * (beta * 0.5 + (1 - beta) * share), y0 + (y1 - y0) * (1 - beta) * share + beta * (y - y0)];
  const [ax, ay] = pull(1 / 3, y0), [bx, by] = pull(2 / 3, y1);
  return `M${x0},${y0}C${ax.toFixed(1)},${ay.toFixed(1)} ${bx.toFixed(1)},${by.toFixed(1)} ${x1},${y1}`;
}
