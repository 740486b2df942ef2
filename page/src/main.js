// The page: an editor, the judge in a worker, and the views of its answers.

import { configEditor, moveTo, replaceText, showProblems } from "./editor.js";
import { Judge } from "./judge.js";
import { contentOf, fragmentOf } from "./permalink.js";
import { changesView, copied, machineView, outputView, planView, problemList, statusOf } from "./views.js";
import { element, plural } from "./dom.js";

const PAUSE = 60; // milliseconds after a key before the text is judged
const LONG = 1000; // milliseconds after which the page says that an answer takes longer
const SAVED = "try-a-config";
const by = (id) => document.getElementById(id);
const tabs = [...document.querySelectorAll("[role=tab]")];

let kept = null;
let answer = null;
let ready = false;
let asking = false;
let stale = true;
let judgedHere = 0; // texts that this worker has judged
let timer = 0;

const judge = new Judge((state, detail) => {
  ready = state === "ready";
  if (state === "loading") setStatus("loading", "Loading the transpiler (6 MB) …");
  if (state === "broken") setStatus("error", `The transpiler could not be loaded: ${detail}`);
  if (ready) {
    judgedHere = 0;
    judgeSoon(0);
  }
});

const view = configEditor(by("editor"), "", {
  onChange() {
    stale = true;
    save();
    if (location.hash.length > 1) window.history.replaceState(null, "", location.pathname + location.search);
    judgeSoon(PAUSE);
  },
  ask: async (what, place) => (ready ? judge.ask({ do: what, text: text(), ...place }).catch(() => null) : null),
});

function text() {
  return view.state.doc.toString();
}

function setStatus(kind, shown) {
  by("status").dataset.kind = kind;
  by("status").textContent = shown;
}

function judgeSoon(pause) {
  clearTimeout(timer);
  timer = setTimeout(judgeNow, pause);
}

async function judgeNow() {
  if (!ready || asking || !stale) return;
  asking = true;
  stale = false;
  const judged = text();
  let found = null;
  let results = null;
  const notice = setTimeout(() => setStatus("loading", "Checking …"), LONG);
  try {
    found = await judge.ask({ do: "judge", text: judged });
    clearTimeout(notice);
    if (judged === text()) showProblemsOf(found);
    // the output is drawn after the problems, and not while the text changes
    if (!stale) results = await judge.ask({ do: "results", text: judged, kept });
    judgedHere += 1;
  } catch (error) {
    // what an earlier text left behind may be the cause, then the new worker judges this one
    if (judgedHere) stale = true;
    else showBroken(error);
  }
  clearTimeout(notice);
  asking = false;
  if (results && judged === text()) showResults({ ...found, ...results, judged });
  if (stale) judgeSoon(0);
}

function showBroken(error) {
  const message = /RangeError|RecursionError|stack/.test(error.message)
    ? "The text is nested too deeply for a browser. The program `transpile check` has no such limit."
    : `The text could not be judged: ${error.message}`;
  const found = { problems: [{ from: [0, 0], to: [0, 0], severity: "error", message, hint: "", rule: "", path: "", place: "1:1" }], mendable: 0, failed: true, error: message };
  showProblemsOf(found);
  showResults({ ...found, output: "", shown: "", version: "", machine: null, changes: null });
}

function showProblemsOf(found) {
  const { kind, text: shown } = statusOf(found);
  setStatus(kind, shown);
  showProblems(view, found.problems);
  problemList(by("problems"), found, (place) => moveTo(view, place));
  by("mend").hidden = !found.mendable;
  by("mend").textContent = `Mend ${plural(found.mendable, "problem")}`;
}

function showResults(found) {
  answer = found;
  const changed = answer.changes?.entries.length ?? 0;
  by("tab-changes").textContent = changed ? `Changes (${changed})` : "Changes";
  showPanel();
}

// Only the panel that is seen is drawn.
function showPanel() {
  if (!answer) return;
  const shown = tabs.find((one) => one.ariaSelected === "true").getAttribute("aria-controls");
  const panel = by(shown);
  const top = panel.scrollTop;
  if (shown === "output") outputView(panel, answer);
  if (shown === "machine") machineView(panel, answer, (place) => moveTo(view, place));
  if (shown === "plan") {
    if (answer.failed || answer.plan) planView(panel, answer, (place) => moveTo(view, place));
    else askPlan(answer);
  }
  if (shown === "changes") changesView(panel, answer, text(), kept, keep);
  panel.scrollTop = top;
}

// The plan is made when it is seen. The one of an earlier text stays until then.
async function askPlan(of) {
  if (of.planAsked || of.judged !== text()) return;
  of.planAsked = true;
  if (!by("plan").hasChildNodes()) by("plan").replaceChildren(element("p", { className: "empty" }, "Making the plan …"));
  const failed = (error) => ({ summary: "", steps: [], assumed: [], reasons: [{ path: "", message: `The plan could not be made: ${error.message}`, hint: "" }] });
  of.plan = await judge.ask({ do: "plan", text: of.judged }).catch(failed);
  if (of === answer) showPanel();
}

function select(tab) {
  for (const one of tabs) {
    one.ariaSelected = String(one === tab);
    one.tabIndex = one === tab ? 0 : -1;
    by(one.getAttribute("aria-controls")).hidden = one !== tab;
  }
  showPanel();
}

for (const [index, tab] of tabs.entries()) {
  tab.onclick = () => select(tab);
  tab.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    select(next);
    next.focus();
  };
}

function keep() {
  kept = text();
  stale = true;
  save();
  select(by("tab-changes"));
  judgeSoon(0);
}

function save() {
  try {
    sessionStorage.setItem(SAVED, JSON.stringify({ text: text(), kept }));
  } catch {
    // without storage, a reload begins with the example again
  }
}

function saved() {
  try {
    return JSON.parse(sessionStorage.getItem(SAVED));
  } catch {
    return null;
  }
}

by("keep").onclick = keep;

by("mend").onclick = async () => {
  const before = text();
  const found = await judge.ask({ do: "mend", text: before }).catch(() => null);
  if (found && before === text()) replaceText(view, found.text);
  view.focus();
};

by("format").onclick = async () => {
  if (!ready) return;
  const before = text();
  const found = await judge.ask({ do: "format", text: before }).catch(() => null);
  if (found?.reason) setStatus("error", `Not formatted: ${found.reason}`);
  else if (found && before === text()) replaceText(view, found.text);
};

by("link").onclick = async () => {
  window.history.replaceState(null, "", await fragmentOf({ text: text(), ...(kept === null ? {} : { kept }) }));
  by("link").textContent = (await copied(location.href)) ? "Copied" : "Link is in the address bar";
  setTimeout(() => (by("link").textContent = "Copy link"), 2500);
};

async function open(content) {
  kept = content.kept ?? null;
  const fragment = location.hash;
  replaceText(view, content.text);
  if (fragment) window.history.replaceState(null, "", fragment);
  stale = true;
  judgeSoon(0);
}

async function openLink() {
  try {
    const content = await contentOf(location.hash);
    if (content) await open(content);
    return content !== null;
  } catch {
    by("notice").textContent = "The link is damaged: its text cannot be read.";
    by("notice").hidden = false;
    return false;
  }
}

window.addEventListener("hashchange", openLink);

async function begin() {
  const examples = await (await fetch("examples.json")).json();
  by("examples").append(...examples.map(({ name }, index) => element("option", { value: index }, name)));
  by("examples").onchange = ({ target }) => {
    if (target.value) replaceText(view, examples[target.value].text);
    target.value = "";
    view.focus();
  };
  if (await openLink()) return;
  await open(saved() ?? { text: examples[0].text });
}

begin();
