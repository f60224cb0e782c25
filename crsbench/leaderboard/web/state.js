// What is chosen, and what follows from it: the measure, the differences from a row, the reported rows.

const state = { board: 0, metric: "", subset: "", unit: "", against: -1, filter: "", sort: "value", down: true, rows: STEP, open: new Set() };
const board = () => data.boards[state.board];
const metricOf = (measure) => [measure.metric, measure.decoding, measure.simulator].filter(Boolean).join(", ");
const shortMetric = (measure) => [measure.metric, measure.decoding].filter(Boolean).join(", ");
const protocolOf = (one, all) => {
  const twins = all.filter((other) => other.protocol === one.protocol && other.limit === one.limit);
  return one.protocol + (one.limit ? `, limit ${one.limit}` : "") + (twins.length > 1 ? `, data ${one.fingerprint}` : "");
};
function find(metric, subset, unit) {
  return board().measures.findIndex((m) => metricOf(m) === metric && m.subset === subset && m.unit === unit);
}
const current = () => find(state.metric, state.subset, state.unit);

function fill(select, choices, chosen) { // choices: [value, text]
  select.replaceChildren(...choices.map(([value, text]) => el("option", { value }, text)));
  select.value = choices.some(([value]) => value === String(chosen)) ? String(chosen) : choices[0][0];
  select.closest("label").hidden = choices.length < 2 && select.id !== "dataset" && select.id !== "protocol";
  return select.value;
}
function distinct(values) { return [...new Set(values)]; }

function settle() { // make the state one that exists, and the controls show it
  const all = data.boards, chosen = board();
  fill(at("dataset"), distinct(all.map((one) => one.name)).map((name) => [name, name]), chosen.name);
  const mine = all.map((one, i) => [one, i]).filter(([one]) => one.name === chosen.name);
  fill(at("protocol"), mine.map(([one, i]) => [String(i), protocolOf(one, mine.map(([o]) => o))]), state.board);
  const measures = chosen.measures, first = measures[chosen.main[0] ?? 0];
  const metrics = distinct(measures.map(metricOf));
  const names = new Map(measures.map((m) => [metricOf(m), shortMetric(m)]));
  const ambiguous = distinct([...names.values()]).length < names.size;
  if (!metrics.includes(state.metric)) [state.metric, state.subset, state.unit] = [metricOf(first), first.subset, first.unit];
  fill(at("metric"), metrics.map((name) => [name, ambiguous ? name : names.get(name)]), state.metric);
  const of = measures.filter((m) => metricOf(m) === state.metric);
  state.subset = fill(at("subset"), distinct(of.map((m) => m.subset)).map((name) => [name, name]), state.subset);
  const units = distinct(of.filter((m) => m.subset === state.subset).map((m) => m.unit));
  state.unit = fill(at("unit"), units.map((name) => [name, `${name}s`]), state.unit);
  const pairs = chosen.pairs[current()];
  const choices = (pairs ? pairs.of : []).map((i) => [String(i), chosen.lines[i].title]);
  state.against = Number(fill(at("against"), [["-1", "no row"], ...choices], state.against));
}

function comparisons() { // line → {difference, margin, p}, of the chosen row against all others
  const found = new Map(), pairs = board().pairs[current()];
  const reference = pairs ? pairs.of.indexOf(state.against) : -1;
  if (reference < 0) return found;
  const cells = board().lines.map((line) => line.cells[current()]), ps = [], lines = [];
  pairs.of.forEach((line, i) => {
    if (i === reference) return;
    const [a, b] = [Math.max(i, reference), Math.min(i, reference)], k = a * (a - 1) / 2 + b;
    const se = pairs.se[k], df = Array.isArray(pairs.df) ? pairs.df[k] : pairs.df;
    if (se === null || df < 1) return;
    const raw = pairs.diff ? pairs.diff[k] * (i > reference ? 1 : -1) : cells[line][VALUE] - cells[state.against][VALUE];
    const p = se > 0 ? tTest(raw / se, df) : Math.abs(raw) > 1e-9 ? 0 : 1;
    found.set(line, { difference: raw, margin: tBound(df) * se });
    lines.push(line); ps.push(p);
  });
  holm(ps).forEach((p, i) => { found.get(lines[i]).p = p; });
  return found;
}

function reported() { // published rows that have the chosen measure
  const chosen = board().measures[current()];
  return board().reported.flatMap((source) => source.rows.map((row) => ({
    source,
    name: row.name,
    value: (m) => (source.unit === m.unit && !m.decoding ? (row[m.subset] || {})[m.metric] ?? null : null),
  }))).filter((row) => row.value(chosen) !== null);
}
