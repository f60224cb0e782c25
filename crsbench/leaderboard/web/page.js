// The rest of the page, and what its controls do.

function drawSources() {
  at("sources").hidden = !board().reported.length;
  at("sources").querySelector("ul").replaceChildren(...board().reported.map((source) => el("li", {},
    `${source.protocol}: ${source.title}. ${source.citation}, `, el("a", { href: `https://doi.org/${encodeURI(source.doi)}`, rel: "noreferrer" }, `doi:${source.doi}`),
    `. By ${source.unit}: ${source.how}. Not measured here, and never ranked.`)));
}
function remember() { // so that a link to this page shows the same
  const m = board(), said = new URLSearchParams({ dataset: m.name, protocol: m.protocol, metric: state.metric, subset: state.subset, unit: state.unit });
  try { history.replaceState(null, "", `#${said}`); } catch { /* some browsers forbid it to files */ }
}
function recall() {
  const said = new URLSearchParams(location.hash.slice(1));
  const found = data.boards.findIndex((one) => one.name === said.get("dataset") && one.protocol === said.get("protocol"));
  if (found < 0) return;
  state.board = found;
  for (const name of ["metric", "subset", "unit"]) state[name] = said.get(name) || "";
}
function choose(changes) {
  Object.assign(state, { rows: STEP }, changes);
  draw();
  if ("board" in changes) drawSources();
}
const fresh = { against: -1, sort: "value", down: true };
at("dataset").addEventListener("change", (event) => choose({ board: data.boards.findIndex((one) => one.name === event.target.value), open: new Set(), ...fresh, metric: "" }));
at("protocol").addEventListener("change", (event) => choose({ board: Number(event.target.value), open: new Set(), ...fresh }));
at("metric").addEventListener("change", (event) => {
  const first = board().measures.find((m) => metricOf(m) === event.target.value);
  choose({ metric: event.target.value, sort: "value", down: first.higher_is_better });
});
for (const name of ["subset", "unit"]) at(name).addEventListener("change", (event) => choose({ [name]: event.target.value }));
at("against").addEventListener("change", (event) => choose({ against: Number(event.target.value) }));
at("filter").addEventListener("input", (event) => choose({ filter: event.target.value }));
at("next").addEventListener("click", () => { state.rows += STEP; draw(); });
at("all").addEventListener("click", () => { state.rows = Infinity; draw(); });
window.addEventListener("resize", () => draw());
at("controls").addEventListener("submit", (event) => event.preventDefault());

const marks = Object.entries(MARKS).filter(([flag]) => data.boards.some((one) => one.lines.some((line) => line[flag])));
at("notes").replaceChildren(...[...data.notes, ...marks.map(([, [mark, meaning]]) => `${mark} ${meaning}.`), "– there is no record."].map((note) => el("li", {}, note)));
recall();
draw();
drawSources();
