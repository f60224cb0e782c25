// Student's t for p-values and margins, and Holm's correction for many of them.

function logGamma(x) { // Lanczos, g = 7
  const c = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
  const sum = c.reduce((total, value, i) => total + (i ? value / (x - 1 + i) : value), 0);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(x + 6.5) - (x + 6.5) + Math.log(sum);
}
function beta(x, a, b) { // the regularised incomplete beta function, by its continued fraction
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - beta(1 - x, b, a);
  let c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), found = d;
  for (let m = 1; m < 300; m++) {
    for (const step of [m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
      -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))]) {
      d = 1 / (1 + step * d); c = 1 + step / c; found *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-14) break;
  }
  const front = logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x);
  return Math.exp(front) * found / a;
}
const tTest = (t, df) => beta(df / (df + t * t), df / 2, 0.5); // two-sided
const critical = new Map();
function tBound(df) {
  if (!critical.has(df)) {
    let low = 0, high = 1000;
    for (let i = 0; i < 60; i++) [low, high] = tTest((low + high) / 2, df) > 0.05 ? [(low + high) / 2, high] : [low, (low + high) / 2];
    critical.set(df, high);
  }
  return critical.get(df);
}
function holm(ps) {
  const order = ps.map((_, i) => i).sort((a, b) => ps[a] - ps[b]);
  let running = 0;
  const adjusted = [];
  order.forEach((i, rank) => { running = Math.max(running, Math.min(1, (ps.length - rank) * ps[i])); adjusted[i] = running; });
  return adjusted;
}
