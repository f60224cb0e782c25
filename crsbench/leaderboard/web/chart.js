// Accuracy against cost.

function drawCost(list, i) {
  const figure = at("cost").querySelector("figure"), m = board().measures[i];
  at("cost").hidden = list.length < 2;
  if (list.length < 2) return;
  const drawn = list.slice(0, 200);
  const W = Math.min(880, Math.max(320, figure.clientWidth || 720)), H = Math.round(180 + W / 4);
  const left = 46, right = 14, top = 12, bottom = 44;
  const seconds = drawn.map((row) => Math.max(0.5, row.line.seconds));
  const [x0, x1] = [Math.log10(Math.min(...seconds)) - 0.1, Math.log10(Math.max(...seconds)) + 0.35];
  const lows = drawn.map((row) => row.line.cells[i][LOW]), highs = drawn.map((row) => row.line.cells[i][HIGH]);
  const y0 = Math.min(...lows), y1 = Math.max(...highs), pad = (y1 - y0) * 0.05 || 0.1;
  const x = (s) => left + (W - left - right) * (Math.log10(s) - x0) / (x1 - x0);
  const y = (v) => H - bottom - (H - top - bottom) * (v - y0 + pad) / (y1 - y0 + 2 * pad);
  const title = `${shortMetric(m)}, ${m.subset}, against the time of a run`;
  const node = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${title}; the numbers stand in the table` });
  for (const s of W < 600 ? [1, 10, 60, 600, 3600, 36000] : [1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10800, 36000]) {
    if (Math.log10(s) < x0 || Math.log10(s) > x1) continue;
    node.append(svg("line", { class: "axis", x1: x(s), x2: x(s), y1: top, y2: H - bottom }), svg("text", { x: x(s), y: H - bottom + 18, "text-anchor": "middle" }, duration(s)));
  }
  const step = [1, 2, 5, 10].map((k) => k * 10 ** Math.floor(Math.log10((y1 - y0 || 1) / 4))).find((k) => (y1 - y0) / k <= 5);
  for (let k = Math.ceil((y0 - pad) / step); k * step <= y1 + pad; k++) {
    const v = k * step;
    node.append(svg("line", { class: "axis", x1: left, x2: W - right, y1: y(v), y2: y(v) }), svg("text", { x: left - 8, y: y(v) + 4, "text-anchor": "end" }, number(v)));
  }
  node.append(svg("text", { x: (left + W - right) / 2, y: H - 6, "text-anchor": "middle" }, "time of a run, logarithmic"));
  const points = drawn.map((row, k) => ({ row, px: x(seconds[k]), py: y(row.line.cells[i][VALUE]), s: seconds[k], v: row.line.cells[i][VALUE] }));
  const up = m.higher_is_better ? 1 : -1;
  const front = [];
  for (const p of points.filter((one) => !one.row.line.privileged).sort((a, b) => a.s - b.s || up * (b.v - a.v)))
    if (!front.length || up * p.v > up * front[front.length - 1].v) front.push(p);
  if (front.length > 1) node.append(svg("polyline", { class: "front", points: front.flatMap((p, k) => (k ? [`${p.px},${front[k - 1].py}`] : []).concat(`${p.px},${p.py}`)).join(" ") }));
  const boxes = points.map((p) => [p.px - 6, p.py - 6, p.px + 6, p.py + 6]);
  const free = (b) => b[0] >= left && b[2] <= W && boxes.every((o) => b[2] < o[0] || b[0] > o[2] || b[3] < o[1] || b[1] > o[3]);
  for (const p of points) {
    const cell = p.row.line.cells[i], mark = p.row.line.privileged ? "hollow" : "point";
    const dot = svg("circle", { class: mark, cx: p.px, cy: p.py, r: 5 }, svg("title", {}, `${p.row.line.title}: ${number(p.v)} ${interval(cell)}, ${duration(p.s)}`));
    node.append(svg("line", { class: "whisker", x1: p.px, x2: p.px, y1: y(cell[LOW]), y2: y(cell[HIGH]) }), dot);
  }
  for (const p of points) {
    const text = p.row.line.title.length > 28 ? `${p.row.line.title.slice(0, 27)}…` : p.row.line.title, width = text.length * 6.6;
    const places = [[8, 4, "start"], [-8, 4, "end"], [0, -10, "middle"], [0, 18, "middle"], [8, -8, "start"], [8, 16, "start"], [-8, -8, "end"], [-8, 16, "end"]];
    for (const [dx, dy, anchor] of places) {
      const from = p.px + dx - (anchor === "start" ? 0 : anchor === "end" ? width : width / 2);
      const box = [from, p.py + dy - 10, from + width, p.py + dy + 3];
      if (!free(box)) continue;
      boxes.push(box);
      node.append(svg("text", { class: "name", x: p.px + dx, y: p.py + dy, "text-anchor": anchor }, text));
      break;
    }
  }
  const caption = `${title}. Along the dashed line nothing measured here is both faster and better` +
    (drawn.some((row) => row.line.privileged) ? "; hollow points are bounds" : "") + (list.length > drawn.length ? `; the first ${drawn.length} rows` : "") + ".";
  figure.replaceChildren(node, el("figcaption", {}, caption));
}
