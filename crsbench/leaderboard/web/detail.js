// A row in full: what makes it again, its records, scores and options.

function drawDetail(line) {
  const chosen = board(), main = chosen.main.map((i) => chosen.measures[i]);
  const label = (m) => (RANKED.test(m.metric) ? `${shortMetric(m)}, ${m.subset}` : shortMetric(m));
  const stages = line.records.flatMap((record) => Object.entries(record.stages).map(([stage, values]) => el("tr", {},
    el("th", { scope: "row" }, el("a", { href: `${record.path.split("/").map(encodeURIComponent).join("/")}/result.json` }, record.id)),
    el("td", {}, String(record.seed)), el("td", { class: "left" }, stage), ...values.map((value) => el("td", {}, number(value))))));
  const subsets = distinct(chosen.measures.map((m) => m.subset)), by = new Map();
  chosen.measures.forEach((m, i) => {
    const key = `${metricOf(m)}, by ${m.unit}`;
    if (!by.has(key)) by.set(key, { m, cells: {} });
    by.get(key).cells[m.subset] = line.cells[i];
  });
  const scores = [...by.values()].filter(({ cells }) => Object.values(cells).some(Boolean)).map(({ m, cells }) => el("tr", {},
    el("th", { scope: "row" }, `${shortMetric(m)}, by ${m.unit}`),
    ...subsets.map((subset) => el("td", {}, cells[subset] ? number(cells[subset][VALUE]) : "", cells[subset] ? el("span", { class: "interval" }, ` ${interval(cells[subset])}`) : ""))));
  const options = Object.entries(line.options).map(([key, value]) => `${key} = ${JSON.stringify(value)}`).join("\n");
  const header = (names) => el("thead", {}, el("tr", {}, ...names.map((name, i) => el("th", { scope: "col", class: i ? null : "left" }, name))));
  const folded = (title, content) => el("details", {}, el("summary", {}, title), content);
  return el("div", { class: "inside" },
    el("h3", {}, "Made by"), el("pre", {}, el("code", {}, line.command)),
    el("p", { class: "soft" }, `${line.plugin}; model ${line.model}; ${line.device}${line.threads ? `, ${line.threads} threads` : ""}; ${duration(line.seconds)} a run, with all that it is built on.`),
    el("h3", {}, "Records"),
    el("div", { class: "wide" }, el("table", {}, header(["record", "seed", "stage", ...main.map(label)]), el("tbody", {}, ...stages))),
    folded("All scores", el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `All scores of ${line.title}` }, el("table", {}, header(["metric", ...subsets]), el("tbody", {}, ...scores)))),
    folded("Options, as resolved", el("pre", {}, el("code", {}, options || "none"))));
}
