"use strict";
// The page of one recording.  Whatever packets say is put in as text, never as HTML.
const recording = JSON.parse(document.getElementById("recording").textContent);
const ROW_PX = 24, LONGEST_PAUSE_MS = 2000;
const $ = (id) => document.getElementById(id);
let shown = recording.events, at = 0, layer = null, timer = null;

function element(tag, text, ...classes) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const name of classes) if (name) made.classList.add(name);
  return made;
}

// A sentence of the page in its reader's language, with its facts in their places.
function say(sentence, facts = {}) {
  return (recording.words[sentence] ?? sentence).replace(/\{(\w+)\}/g, (_, name) => facts[name]);
}

// ---- the list: only the rows in sight are there

// Columns of numbers as wide as the last ones are: a LAN may be up for hours.
function fitColumns() {
  const newest = recording.events.at(-1) ?? { number: 0, time_ms: 0 };
  document.documentElement.style.setProperty("--number", `${String(newest.number).length}ch`);
  document.documentElement.style.setProperty("--time", `${newest.time_ms.toFixed(3).length}ch`);
}

function drawList() {
  const list = $("list"), first = Math.max(0, Math.floor(list.scrollTop / ROW_PX) - 10);
  const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW_PX) + 20);
  $("space").style.height = `${shown.length * ROW_PX}px`;
  $("rows").style.top = `${first * ROW_PX}px`;
  $("rows").replaceChildren(...shown.slice(first, last).map((event, offset) => {
    const row = element("div", null, "row", event.style, first + offset === at ? "here" : "");
    for (const cell of [event.number, event.time_ms.toFixed(3), event.last, event.at, event.type, event.info]) {
      row.append(element("span", cell));
    }
    row.title = event.info;
    row.addEventListener("click", () => go(first + offset));
    return row;
  }));
}

function go(place) {
  at = Math.max(0, Math.min(place, shown.length - 1));
  const list = $("list"), top = at * ROW_PX, head = ROW_PX;
  if (top < list.scrollTop) list.scrollTop = top;
  if (top + 2 * head > list.scrollTop + list.clientHeight) list.scrollTop = top + 2 * head - list.clientHeight;
  drawList();
  drawEvent();
}

// ---- the filter: words that all must be there; -word must not; src=, dst=, at=, last=, type= name a column

function meant(text) {
  const tests = text.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const not = word.startsWith("-") && word.length > 1, wanted = not ? word.slice(1) : word;
    const [column, value] = wanted.split(/==?/, 2);
    const key = {src: "last", from: "last", last: "last", dst: "at", to: "at", at: "at", type: "type"}[column];
    const is = value !== undefined && key
      ? (event) => event[key].toLowerCase() === value
      : (event) => [event.number, event.last, event.at, event.type, event.info].join(" ").toLowerCase().includes(wanted);
    return (event) => is(event) !== not;
  });
  return (event) => tests.every((test) => test(event));
}

function applyFilter() {
  const here = shown[at];
  shown = recording.events.filter(meant($("filter").value));
  $("count").textContent = shown.length === recording.events.length
    ? say("{count} events", {count: shown.length})
    : say("{count} of {all} events", {count: shown.length, all: recording.events.length});
  const same = shown.indexOf(here);
  $("list").scrollTop = 0;
  go(same < 0 ? 0 : same);
}

// ---- one event: a window for each device, then fields and bytes

function drawEvent() {
  const event = shown[at];
  for (const id of ["windows", "tabs", "fields", "bytes"]) $(id).replaceChildren();
  $("what").textContent = event ? `${event.number} · ${event.time_ms.toFixed(3)} ms · ${event.last} → ${event.at} · ${event.type} ${event.info}` : say("no event is meant by the filter");
  if (!event) return;
  const windows = recording.journeys[event.journey], here = (half) => half && half.frames.includes(event.number);
  $("windows").append(...windows.map((window) => drawWindow(window, here(window.in) || window.out.some(here))));
  const layers = recording.packets[event.packet].layers;
  if (layer === null || !layers[layer]) layer = layers.length - 1;
  layers.forEach((each, place) => {
    const tab = element("button", `${each.layer} ${each.title.split(",")[0]}`);
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-selected", String(place === layer));
    tab.addEventListener("click", () => { layer = place; drawEvent(); });
    $("tabs").append(tab);
  });
  drawFields(recording.packets[event.packet], layers[layer]);
}

function drawWindow(window, isHere) {
  const box = element("details", null, "window"), halves = element("div", null, "halves");
  box.open = isHere;
  box.append(element("summary", `${window.device} · ${say(window.kind)}`), halves);
  halves.append(drawHalf(say("In Layers"), window.in), drawHalf(say("Out Layers"), ...window.out));
  return box;
}

function drawHalf(title, ...halves) {
  const box = element("div", null, "half");
  if (!halves.some(Boolean)) box.append(element("h4", `${title}: ${say("nothing")}`));
  for (const half of halves.filter(Boolean)) {
    box.append(element("h4", say("{title}: frame {numbers}", {title, numbers: half.frames.join(" ")})));
    for (const each of half.layers) {
      const line = element("div", null, "layer");
      line.append(element("b", each.layer), document.createTextNode(each.title));
      box.append(line);
      for (const why of each.reasons) {
        const said = element("div", `${why.text} (${why.source})`, "why", why.is_derived ? "derived" : "");
        said.title = why.code;
        box.append(said);
      }
    }
  }
  return box;
}

function drawFields(packet, chosen) {
  if (!chosen) return;
  const rows = element("table");
  for (const [name, text, start, end] of chosen.fields) {
    const row = element("tr");
    row.append(element("td", end - start > 1 ? `${start}–${end - 1}` : `${start}`), element("td", name), element("td", text));
    row.addEventListener("mouseenter", () => { row.classList.add("marked"); drawBytes(packet, chosen, start, end); });
    row.addEventListener("mouseleave", () => { row.classList.remove("marked"); drawBytes(packet, chosen, 0, 0); });
    rows.append(row);
  }
  $("fields").replaceChildren(rows, ...chosen.problems.map((problem) => element("div", `! ${problem}`, "red")));
  drawBytes(packet, chosen, 0, 0);
}

function drawBytes(packet, chosen, start, end) {
  const dump = element("pre"), bytes = (chosen.data ?? packet.data).match(/../g) || [];
  const kind = (place) => place >= start && place < end ? "marked" : place >= chosen.start && place < chosen.end ? "in" : "";
  for (let line = 0; line < bytes.length; line += 16) {
    dump.append(`${line.toString(16).padStart(4, "0")}  `);
    for (let place = line; place < line + 16; place++) {
      dump.append(place < bytes.length ? element("span", bytes[place], kind(place)) : "  ", place % 8 === 7 ? "  " : " ");
    }
    for (let place = line; place < Math.min(line + 16, bytes.length); place++) {
      const code = parseInt(bytes[place], 16);
      dump.append(element("span", code >= 32 && code < 127 ? String.fromCharCode(code) : ".", kind(place)));
    }
    dump.append("\n");
  }
  $("bytes").replaceChildren(dump);
}

// ---- steps

function halt() {
  clearTimeout(timer);
  timer = null;
  $("play").textContent = say("▶ play");
}

function tick() {
  if (at >= shown.length - 1) return halt();
  const pause = (shown[at + 1].time_ms - shown[at].time_ms) / Number($("speed").value);
  timer = setTimeout(() => { go(at + 1); tick(); }, Math.min(Math.max(pause, 0), LONGEST_PAUSE_MS));
}

function play() {
  if (timer !== null) return halt();
  $("play").textContent = say("⏸ halt");
  tick();
}

const KEYS = {
  ArrowRight: () => go(at + 1), ArrowDown: () => go(at + 1), n: () => go(at + 1),
  ArrowLeft: () => go(at - 1), ArrowUp: () => go(at - 1), b: () => go(at - 1),
  PageDown: () => go(at + 10), PageUp: () => go(at - 10), Home: () => go(0), End: () => go(shown.length - 1),
  " ": play, "/": () => $("filter").focus(),
};
document.addEventListener("keydown", (event) => {
  if (event.target === $("filter")) {
    if (event.key === "Escape" || event.key === "Enter") $("list").focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  event.preventDefault();
  if (event.key !== " ") halt();
  KEYS[event.key]();
});
for (const [id, act] of Object.entries({first: KEYS.Home, back: KEYS.b, next: KEYS.n, last: KEYS.End})) {
  $(id).addEventListener("click", () => { halt(); act(); });
}
$("play").addEventListener("click", play);
$("filter").addEventListener("input", applyFilter);
$("list").addEventListener("scroll", drawList);
window.addEventListener("resize", drawList);
$("name").textContent = recording.name;
$("notes").textContent = recording.notes.join("  ·  ");
fitColumns();
applyFilter();
const wanted = shown.findIndex((event) => `#${event.number}` === location.hash);  // page.html#38
if (wanted > 0) go(wanted);
