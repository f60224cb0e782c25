"use strict";
// The boards of leaderboard.json, and how they become elements: whatever they say is set as text, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const [VALUE, LOW, HIGH, N, SEEDS_LOW, SEEDS_HIGH, RANK] = [0, 1, 2, 3, 4, 5, 6];
const STEP = 100; // rows drawn at once
const MARKS = {
  privileged: ["†", "is handed the scenario's truth: a bound, which has no rank"],
  simulator_in_training: ["‡", "was trained on conversations with the simulator that judges it"],
};
const RANKED = /^(recall|mrr|ndcg)@/;
const BESIDE = ["new", "all", "repeated"];

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  const digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  return value.toFixed(digits).replace(/^(-?)0\./, "$1.").replace("-", "−");
}
const signed = (value) => (value >= 0 ? "+" : "") + number(value);
const interval = (cell) => `[${number(cell[LOW])}, ${number(cell[HIGH])}]`;
function duration(seconds) {
  if (seconds < 99.5) return `${seconds.toFixed(0)} s`;
  return seconds < 5970 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
