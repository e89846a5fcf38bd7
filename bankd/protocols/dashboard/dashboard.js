// The dashboard: an hour of samples once, then a sample at a time as the bank sends it.
//
// Text goes into the page as text only; nothing is ever read as markup.
"use strict";

const HOUR = 3600;
const LEAST = 300;        // seconds that a plot shows at least
const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

function number(value) {
  if (value === null || value === undefined) return "–";
  return (Math.abs(value) < 100 ? fine : whole).format(value);
}

function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  if (value < 0.001) return `${whole.format(value * 1e6)} µs`;
  return value < 1 ? `${fine.format(value * 1000)} ms` : `${fine.format(value)} s`;
}

const PLOTS = [
  { title: "Movements a second", lines: [["movements", "movements"]], unit: number },
  { title: "Time to answer", lines: [["p50", "half of all"], ["p95", "95 in 100"], ["p99", "99 in 100"]], unit: seconds },
  { title: "Connections", lines: [["connections", "open"], ["sessions", "logged in"]], unit: number },
  { title: "Requests a second", lines: [["requests", "answered"], ["refusals", "of these refused"]], unit: number },
  { title: "Pieces of work in a commit", lines: [["batch", "together"]], unit: number },
  { title: "Log-ins and notices a second", lines: [["log_ins", "log-ins"], ["notices", "notices"]], unit: number },
];
const STYLES = ["one", "two", "three"];

let samples = [];
let fields = [];
let everySeconds = 2;

// ------------------------------------------------------------------ making elements

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function written(x, y, text, anchor) {
  const made = drawn("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

function rows(body, pairs, empty) {
  const made = pairs.map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", { class: "number" }, value)));
  if (!made.length) made.push(element("tr", {}, element("td", { colspan: "2", class: "quiet" }, empty)));
  body.replaceChildren(...made);
}

function clock(at) {
  return new Date(at * 1000).toLocaleTimeString("en-GB");
}

// ------------------------------------------------------------------ plots

function makePlots() {
  for (const plot of PLOTS) {
    const keys = plot.lines.map(([, words], place) => element("span", { class: `key ${STYLES[place]}` }, words));
    plot.svg = drawn("svg", { role: "img" });
    plot.table = element("tbody");
    const heads = ["Until", ...plot.lines.map(([, words]) => words)];
    const head = element("tr", {}, ...heads.map((words, place) =>
      element("th", place ? { scope: "col", class: "number" } : { scope: "col" }, words)));
    plot.details = element("details", {}, element("summary", {}, "As a table"),
      element("table", {}, element("caption", { class: "quiet" }, `${plot.title}, on average`),
        element("thead", {}, head), plot.table));
    plot.details.addEventListener("toggle", () => tabulate(plot));
    byId("plots").append(element("figure", { class: "card" },
      element("figcaption", {}, element("h3", {}, plot.title), ...keys), plot.svg, plot.details));
  }
}

function column(name) {
  return fields.indexOf(name);
}

// The least round number that is not below a value, and whose half is round as well.
function ceiling(value, least) {
  if (!(value > least)) return least;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

function draw(plot) {
  const { svg } = plot;
  const width = svg.clientWidth || 320;
  const height = svg.clientHeight || 150;
  const left = 46, right = width - 4, top = 8, bottom = height - 18;
  const last = samples.length ? samples[samples.length - 1][0] : Date.now() / 1000;
  const span = Math.min(HOUR, Math.max(LEAST, samples.length ? last - samples[0][0] : 0));
  const columns = plot.lines.map(([name]) => column(name));
  const most = ceiling(Math.max(0, ...samples.flatMap((row) => columns.map((at) => row[at] ?? 0))), plot.unit === seconds ? 0.001 : 2);
  const x = (at) => left + (right - left) * (1 - (last - at) / span);
  const y = (value) => bottom - (bottom - top) * (value / most);
  const parts = [];
  for (const value of [0, most / 2, most]) {
    parts.push(drawn("line", { class: "grid", x1: left, x2: right, y1: y(value), y2: y(value) }));
    parts.push(written(left - 8, y(value) + 4, plot.unit(value), "end"));
  }
  parts.push(written(left, height - 3, `${whole.format(span / 60)} minutes ago`, "start"));
  parts.push(written(right, height - 3, "now", "end"));
  columns.forEach((at, place) => {
    const strokes = stretches(at).map((stretch) => stretch.map(([when, value]) => `${x(when).toFixed(1)},${y(value).toFixed(1)}`));
    if (columns.length === 1) {
      for (const points of strokes) {
        const ends = [points[0], points[points.length - 1]].map((point) => point.split(",")[0]);
        parts.push(drawn("polygon", { class: "area", points: `${ends[0]},${bottom} ${points.join(" ")} ${ends[1]},${bottom}` }));
      }
    }
    for (const points of strokes) {
      parts.push(drawn("polyline", { class: `line ${STYLES[place]}`, points: points.join(" ") }));
    }
  });
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const newest = samples.length ? samples[samples.length - 1] : [];
  const told = plot.lines.map(([name, words]) => `${words}: ${plot.unit(newest[column(name)])}`).join(", ");
  svg.setAttribute("aria-label", `${plot.title}. Now, ${told}. The table below has the rest.`);
  svg.replaceChildren(...parts);
  if (plot.details.open) tabulate(plot);
}

// The values of a column as points, apart where some are missing.
function stretches(at) {
  const found = [];
  let before = -Infinity;
  for (const row of samples) {
    const value = row[at];
    if (value === null) continue;
    if (row[0] - before > 3.5 * everySeconds) found.push([]);
    found[found.length - 1].push([row[0], value]);
    before = row[0];
  }
  return found;
}

// Averages of twelve equal parts of what a plot shows, newest first.
function tabulate(plot) {
  if (!plot.details.open || !samples.length) return;
  const last = samples[samples.length - 1][0];
  const part = Math.min(HOUR, Math.max(LEAST, last - samples[0][0])) / 12;
  const made = [];
  for (let place = 0; place < 12; place += 1) {
    const until = last - place * part;
    const inside = samples.filter((row) => row[0] <= until && row[0] > until - part);
    if (!inside.length) continue;
    const cells = plot.lines.map(([name]) => {
      const values = inside.map((row) => row[column(name)]).filter((value) => value !== null);
      const mean = values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
      return element("td", { class: "number" }, plot.unit(mean));
    });
    made.push(element("tr", {}, element("th", { scope: "row" }, clock(until)), ...cells));
  }
  plot.table.replaceChildren(...made);
}

// ------------------------------------------------------------------ figures

// Minor units as the currency writes them; whole numbers throughout, so that no cent is lost to a fraction.
function money(minor, currency) {
  const digits = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  const text = String(Math.abs(minor)).padStart(digits + 1, "0");
  const units = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, ",");
  return (minor < 0 ? "−" : "") + units + (digits ? `.${text.slice(-digits)}` : "");
}

function byCount(counts) {
  return Object.entries(counts).sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0]))
    .map(([name, count]) => [name.replaceAll("_", " "), whole.format(count)]);
}

function uptime(value) {
  const minutes = Math.floor(value / 60);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} days`;
}

function show(id, text) {
  const place = byId(id);
  if (place.textContent !== text) place.textContent = text;
}

function showNow(now) {
  const last = samples.length ? samples[samples.length - 1] : [];
  const of = (name) => last[column(name)];
  show("movements", number(of("movements")));
  show("movements-more", now.ledger ? `${whole.format(now.ledger.entries)} in all` : "the database does not answer");
  show("latency", seconds(of("p95")));
  show("latency-more", `half in ${seconds(of("p50"))}`);
  show("connections", whole.format(now.connections));
  show("connections-more", `${whole.format(now.sessions)} logged in, most ${whole.format(now.most_connections)}`);
  show("batch", number(of("batch")));
  show("batch-more", `${whole.format(now.batches.count)} commits`);
  show("notices", number(of("notices")));
  show("notices-more", `${number(of("log_ins"))} log-ins a second`);
  show("cpu", of("cpu_percent") === undefined ? "–" : `${number(of("cpu_percent"))} %`);
  show("cpu-more", `${whole.format(now.memory_bytes / 2 ** 20)} MiB, ${now.threads} threads`);
  show("about", `Version ${now.version}, up for ${uptime(now.uptime_seconds)}`);
  showTables(now);
  if (now.obstacles.length) setState(`Not ready: ${now.obstacles.join("; ")}`, "bad");
  else setState("Serving", "good");
}

function showTables(now) {
  const held = now.ledger ? Object.entries(now.ledger.customers_minor_units) : [];
  rows(byId("ledger"), held.map(([currency, minor]) => [currency, money(minor, currency)]), "Not known now");
  show("entries", now.ledger ? `By ${whole.format(now.ledger.entries)} entries of the journal` : "");
  rows(byId("log_ins"), byCount(now.log_ins), "None yet");
  rows(byId("refusals"), byCount(now.refusals), "None yet");
}

function setState(words, tone) {
  show("state", words);
  byId("state").className = `badge ${tone}`;
}

// A verb as a word: ONE_TIME is One time; what is no request has none.
function worded(what) {
  if (what === "none") return "Unknown request";
  const words = what.toLowerCase().replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

function showHappenings(happenings) {
  const list = byId("events");
  const made = happenings.map(([at, what, code, reason, count]) => element("li", {},
    element("time", { datetime: new Date(at * 1000).toISOString() }, clock(at)),
    element("span", code >= 400 ? { class: "refused" } : {}, 
      code >= 400 ? `${worded(what)} refused: ${reason.replaceAll("_", " ")}` : worded(what)),
    element("span", { class: "times" }, count > 1 ? `× ${whole.format(count)}` : "")));
  if (made.length) list.querySelector(".quiet")?.remove();
  list.prepend(...made.reverse());
  while (list.childElementCount > 60) list.lastElementChild.remove();
}

function drawAll() {
  for (const plot of PLOTS) draw(plot);
}

// ------------------------------------------------------------------ what the bank sends

async function begin() {
  const answer = await fetch("/history", { cache: "no-store" });
  if (!answer.ok) throw new Error(answer.statusText);
  const told = await answer.json();
  ({ samples, fields } = told);
  everySeconds = told.every_seconds;
  if (told.happenings.length) byId("events").replaceChildren();
  showHappenings(told.happenings);
  showNow(told.now);
  drawAll();
}

function take(told) {
  const last = samples.length ? samples[samples.length - 1][0] : -Infinity;
  if (told.sample[0] <= last) return;
  samples.push(told.sample);
  while (samples.length && samples[0][0] < told.sample[0] - HOUR) samples.shift();
  showHappenings(told.happenings);
  showNow(told.now);
  drawAll();
}

// EventSource comes again by itself when a connection is lost; what was missed is then in the history.
function watch() {
  const source = new EventSource("/events");
  source.addEventListener("open", () => begin().catch(() => setState("No figures; trying again", "bad")));
  source.addEventListener("message", (event) => take(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    setState("Connection lost; trying again", "bad");
    if (source.readyState === EventSource.CLOSED) setTimeout(watch, 5000);
  });
}

makePlots();
drawAll();
watch();
new ResizeObserver(drawAll).observe(byId("plots"));
