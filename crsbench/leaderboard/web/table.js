// The table of a board.

function columns(compared) {
  const chosen = board(), i = current(), m = chosen.measures[i];
  const others = RANKED.test(m.metric)
    ? BESIDE.filter((subset) => subset !== m.subset).map((subset) => find(state.metric, subset, state.unit))
    : chosen.main;
  const beside = distinct(others).filter((j) => j >= 0 && j !== i);
  const cell = (row, j) => {
    if (row.line) return row.line.cells[j];
    const told = row.value(chosen.measures[j]);
    return told === null ? null : [told];
  };
  const value = (j) => (row) => { const found = cell(row, j); return found ? found[VALUE] : null; };
  const name = (j) => { const one = chosen.measures[j]; return RANKED.test(one.metric) ? `${shortMetric(one)}, ${one.subset}` : shortMetric(one); };
  return [
    { id: "rank", title: "Rank", key: (row) => (row.line && row.line.cells[i] ? row.line.cells[i][RANK] : null), up: true,
      draw: (row, key) => el("td", {}, key === null ? "" : String(key)) },
    { id: "policy", title: "Policy", left: true, up: true, key: (row) => (row.line ? row.line.title : row.name), draw: drawName },
    { id: "value", title: name(i), key: value(i), draw: (row, key) => el("td", {}, number(key), row.line && key !== null ? el("span", { class: "interval" }, ` ${interval(cell(row, i))}`) : "") },
    { id: "bar", title: "95% interval", plain: true, left: true, draw: (row) => drawBar(cell(row, i), row) },
    ...(compared.size ? [{ id: "against", title: `Against ${chosen.lines[state.against].title}`, key: (row) => (compared.get(row.index) || {}).difference ?? null, draw: drawComparison(compared, m) }] : []),
    ...beside.map((j) => ({ id: `m${j}`, title: name(j), key: value(j), draw: (row, key) => el("td", {}, number(key)) })),
    { id: "seeds", title: "Seeds", key: (row) => (row.line ? row.line.records.length : null), draw: (row, key) => el("td", {}, key === null ? "" : drawSeeds(row.line.cells[i], key)) },
    { id: "time", title: "Time", up: true, key: (row) => (row.line ? row.line.seconds : null), draw: (row, key) => el("td", {}, key === null ? "" : duration(key)) },
  ];
}
function drawSeeds(cell, count) {
  if (!cell || cell[SEEDS_LOW] === null) return String(count);
  return `${count} (±${number((cell[SEEDS_HIGH] - cell[SEEDS_LOW]) / 2)})`;
}
function drawName(row) {
  if (!row.line) return el("th", { scope: "row" }, row.name, el("code", {}, `reported, ${row.source.protocol}`));
  const open = state.open.has(row.index), marks = Object.entries(MARKS).filter(([flag]) => row.line[flag]);
  return el("th", { scope: "row" },
    el("button", { type: "button", class: "name", "aria-expanded": String(open), "data-line": row.index, onclick: () => toggle(row.index) }, row.line.policy),
    ...marks.map(([, [mark, meaning]]) => el("abbr", { title: meaning }, ` ${mark}`)),
    row.line.passed ? el("code", {}, row.line.passed) : null);
}
let scale = [0, 1];
function drawBar(cell, row) {
  const place = (value) => `${100 * Math.min(1, Math.max(0, (value - scale[0]) / (scale[1] - scale[0] || 1)))}%`;
  const td = el("td", { class: "bar" });
  if (!cell) return td;
  const box = el("span", { class: "scale", role: "img", "aria-label": row.line ? `${number(cell[VALUE])} ${interval(cell)}` : number(cell[VALUE]) });
  if (row.line) {
    const line = el("i");
    line.style.left = place(cell[LOW]);
    line.style.right = `calc(100% - ${place(cell[HIGH])})`;
    box.append(line);
  }
  const dot = el("b");
  dot.style.left = place(cell[VALUE]);
  box.append(dot);
  td.append(box);
  return td;
}
const drawComparison = (compared, measure) => (row) => {
  if (row.index === state.against) return el("td", { class: "soft" }, "–");
  const found = compared.get(row.index);
  if (!found) return el("td", {}, "");
  const surely = found.p < 0.05, better = (found.difference > 0) === measure.higher_is_better;
  const word = !surely ? "no difference" : better ? "better" : "worse";
  return el("td", {}, `${signed(found.difference)} ±${number(found.margin)} `,
    el("span", { class: surely ? word : "soft" }, word), ` p ${found.p < 0.001 ? "< .001" : `= ${number(found.p)}`}`);
};

function rows() {
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = (text) => words.every((word) => text.toLowerCase().includes(word));
  return [
    ...board().lines.map((line, index) => ({ line, index, text: line.title })),
    ...reported().map((row) => ({ ...row, index: -1, text: `${row.name} reported ${row.source.protocol}` })),
  ].filter((row) => kept(row.text));
}
function sorted(list, column) {
  const keys = new Map(list.map((row) => [row, column.key(row)])), sign = state.down ? -1 : 1;
  const compare = (a, b) => (typeof a === "string" ? (a < b ? -1 : a > b ? 1 : 0) : a - b);
  return list.sort((a, b) => {
    const [x, y] = [keys.get(a), keys.get(b)];
    if (x === null || y === null) return (x === null) - (y === null); // what is missing comes last either way
    return sign * compare(x, y) || a.index - b.index;
  });
}

function draw() {
  settle();
  const i = current(), m = board().measures[i], compared = comparisons(), all = columns(compared);
  const column = all.find((one) => one.id === state.sort && one.key) || all.find((one) => one.id === "value");
  const list = sorted(rows(), column), shown = list.slice(0, state.rows);
  const ends = rows().flatMap((row) => { const c = row.line ? row.line.cells[i] : [row.value(m)]; return !c ? [] : row.line ? [c[LOW], c[HIGH]] : [c[0]]; });
  scale = ends.length ? [ends.reduce((a, b) => Math.min(a, b)), ends.reduce((a, b) => Math.max(a, b))] : [0, 1];

  at("about").textContent = [
    `${board().rows} rows, data ${board().fingerprint}`, board().version && `version ${board().version}`,
    `means over ${m.unit}s`, m.simulator && `conversations with ${m.simulator}`,
    m.higher_is_better ? "higher is better" : "lower is better"].filter(Boolean).join("; ") + ".";
  at("caption").textContent = `${board().name}, ${board().protocol}: ${shortMetric(m)}, ${m.subset}`;
  const total = board().lines.length + reported().length;
  at("status").textContent = `${list.length === total ? total : `${list.length} of ${total}`} rows` +
    (compared.size ? `; differences from ${board().lines[state.against].title}: two-sided paired t-tests over dialogues, p after Holm over ${compared.size} rows` : "") + ".";
  const head = el("tr", {}, ...all.map((one) => el("th",
    { scope: "col", class: one.left ? "left" : null, "aria-sort": one.key && one.id === column.id ? (state.down ? "descending" : "ascending") : null },
    one.plain ? el("span", {}, `${one.title}, ${number(scale[0])} to ${number(scale[1])}`) : el("button", { type: "button", "data-sort": one.id, onclick: () => sortBy(one) }, one.title))));
  at("board").tHead.replaceChildren(head);
  at("board").tBodies[0].replaceChildren(...shown.flatMap((row) => drawRow(row, all)));
  at("more").hidden = list.length <= shown.length;
  drawCost(list.filter((row) => row.line && row.line.cells[i]), i);
  remember();
}
function drawRow(row, all) {
  const flags = [row.line ? row.line.privileged && "bound" : "reported", row.index >= 0 && row.index === state.against && "reference"];
  const tr = el("tr", { class: flags.filter(Boolean).join(" ") || null }, ...all.map((one) => one.draw(row, one.key ? one.key(row) : null)));
  return state.open.has(row.index) && row.line ? [tr, el("tr", { class: "detail" }, el("td", { colspan: all.length }, drawDetail(row.line)))] : [tr];
}
function sortBy(column) {
  if (state.sort === column.id) state.down = !state.down;
  else [state.sort, state.down] = [column.id, !column.up];
  redraw(`[data-sort="${column.id}"]`);
}
function toggle(index) {
  if (!state.open.delete(index)) state.open.add(index);
  redraw(`[data-line="${index}"]`);
}
function redraw(selector) { // and keep the focus where it was
  draw();
  const found = at("board").querySelector(selector);
  if (found) found.focus();
}
