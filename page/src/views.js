// Shows an answer of the judge: the problems, the output, the machine, the plan and the changes.

import { comparison, readOnlyView } from "./editor.js";
import { element, plural } from "./dom.js";

export function problemList(list, answer, goTo) {
  const items = answer.problems.map((one) => {
    const label = element("span", { className: `severity ${one.severity}` }, one.severity);
    const place = element("span", { className: "place" }, one.place);
    const text = element("span", { className: "message" }, one.message);
    const hint = one.hint ? [element("span", { className: "hint" }, one.hint)] : [];
    const detail = [one.path, one.rule].filter(Boolean).join(" · ");
    const button = element("button", { type: "button" }, label, place, text, ...hint, element("span", { className: "rule" }, detail));
    button.onclick = () => goTo(one.from);
    return element("li", {}, button);
  });
  const nothing = element("li", { className: "nothing" }, "None. The config is valid.");
  list.replaceChildren(...(items.length ? items : [nothing]));
}

export function statusOf(answer) {
  const errors = answer.problems.filter((one) => one.severity === "error").length;
  const warnings = answer.problems.length - errors;
  const counts = [errors && plural(errors, "error"), warnings && plural(warnings, "warning")].filter(Boolean).join(", ");
  if (answer.failed) return { kind: "error", text: counts || answer.error };
  return { kind: warnings ? "warning" : "valid", text: `Valid${counts ? `, ${counts}` : ""}` };
}

export function outputView(panel, answer) {
  if (answer.failed) return panel.replaceChildren(element("p", { className: "empty" }, "There is no output while the config has errors."));
  const size = new TextEncoder().encode(answer.output).length;
  const what = answer.version ? `Ignition ${answer.version}` : "Ignition";
  const facts = element("span", {}, `${what} · ${size} bytes`);
  const copy = element("button", { type: "button" }, "Copy");
  copy.onclick = async () => {
    copy.textContent = (await copied(answer.output)) ? "Copied" : "Not allowed";
  };
  const name = answer.output.startsWith("{") ? "config.ign" : "config.yaml";
  const save = element("button", { type: "button" }, "Download");
  save.onclick = () => {
    const address = URL.createObjectURL(new Blob([`${answer.output}\n`], { type: "application/json" }));
    element("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };
  panel.replaceChildren(element("div", { className: "facts" }, facts, copy, save));
  readOnlyView(panel, answer.shown, "Output");
}

export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // a page over plain http has no clipboard
  }
}

export function machineView(panel, answer, goTo) {
  if (!answer.machine) return panel.replaceChildren(element("p", { className: "empty" }, "Mend the errors to see what the machine will have."));
  const { entries, limits, bytes } = answer.machine;
  const kinds = grouped(entries, "kind");
  const tables = [...kinds].map(([kind, rows]) =>
    element("section", {}, element("h3", {}, rows.length === 1 ? kind : `${kind} (${rows.length})`), element("ul", { className: "entries" }, ...rows.map((one) => entryRow(one, goTo)))),
  );
  const nothing = element("p", { className: "empty" }, "The config changes nothing on the machine.");
  panel.replaceChildren(...(tables.length ? tables : [nothing]), ...(limits.length ? [sizes(limits, bytes)] : []));
}

// The entries by what they have at a key; Map.groupBy is too new for some browsers.
function grouped(entries, key) {
  const found = new Map();
  for (const one of entries) {
    if (!found.has(one[key])) found.set(one[key], []);
    found.get(one[key]).push(one);
  }
  return found;
}

function entryRow(one, goTo) {
  const made = one.made.filter(({ of }) => !of.startsWith(one.path)).map(({ field, of }) => `${field} made of ${of}`);
  const details = [one.details, one.sugar ? `made of ${one.path}` : "", ...made].filter(Boolean).join(" · ");
  const place = one.place?.match(/:(\d+):(\d+)$/);
  return lineOf(one.name, details, place && [place[1], place[2]], goTo);
}

function lineOf(name, details, place, goTo) {
  const row = element("li", {}, element("span", { className: "name" }, name), element("span", { className: "details" }, details));
  if (place) {
    const go = element("button", { type: "button", className: "go", title: "Show the line of the config" }, `line ${place[0]}`);
    go.onclick = () => goTo([place[0] - 1, place[1] - 1]);
    row.append(go);
  }
  return row;
}

export function planView(panel, answer, goTo) {
  if (answer.failed) return panel.replaceChildren(element("p", { className: "empty" }, "Mend the errors to see the steps that a machine would take."));
  const { summary, steps, reasons, assumed } = answer.plan;
  const placeOf = (one) => (one.line ? [one.line, one.column] : null);
  const section = (title, list, rows) => element("section", {}, element("h3", {}, title), element(list, { className: "entries" }, ...rows));
  const refused = reasons.map((one) => lineOf(one.message, [one.path, one.hint].filter(Boolean).join(" · "), placeOf(one), goTo));
  const stages = [...grouped(steps, "stage")].map(([stage, rows]) =>
    section(stage, "ol", rows.map((one) => lineOf(`${one.number}. ${one.title}`, one.destroys ? `destroys ${one.destroys}` : "", one.config_path ? placeOf(one) : null, goTo))),
  );
  const told = element("div", { className: "facts" }, element("span", {}, reasons.length ? "There is no plan for this config" : summary));
  const assumptions = assumed.length ? [section("Assumed", "ul", assumed.map((one) => element("li", {}, one)))] : [];
  panel.replaceChildren(told, ...(refused.length ? [section("Reasons", "ul", refused)] : []), ...assumptions, ...stages);
}

function sizes(limits, bytes) {
  const rows = limits.map((one) => {
    const share = Math.round((100 * bytes) / one.limit);
    const verdict = one.fits ? `${share} % of ${one.limit} bytes` : `${bytes - one.limit} bytes too large`;
    return element("li", { className: one.fits ? "" : "over" }, element("span", { className: "name" }, one.platform), element("meter", { min: 0, max: one.limit, value: Math.min(bytes, one.limit), high: one.limit * 0.9, title: verdict }), element("span", { className: "details" }, verdict));
  });
  return element("section", {}, element("h3", {}, "Size as user data"), element("ul", { className: "entries sizes" }, ...rows));
}

export function changesView(panel, answer, text, kept, keep) {
  if (kept === null) {
    const button = element("button", { type: "button", className: "primary" }, "Keep this version");
    button.onclick = keep;
    return panel.replaceChildren(element("div", { className: "empty" }, element("p", {}, "Keep a version, then change the config. Here you see what that changes on the machine."), button));
  }
  const { reason, entries } = answer.changes ?? { reason: "", entries: [] };
  const marks = { added: "+", removed: "−", changed: "~" };
  const rows = entries.map((one) =>
    element("li", { className: one.kind }, element("span", { className: "mark", title: one.kind }, marks[one.kind]), element("span", { className: "name" }, one.name), one.lines.length ? element("pre", {}, one.lines.join("\n")) : ""),
  );
  const same = text === kept ? "This is the version that you kept." : "The two texts mean the same.";
  const list = rows.length ? element("ul", { className: "changed" }, ...rows) : element("p", { className: "empty" }, reason || same);
  const again = element("button", { type: "button" }, "Keep this version instead");
  again.onclick = keep;
  panel.replaceChildren(element("div", { className: "facts" }, element("span", {}, "Compared with the version that you kept"), ...(text === kept ? [] : [again])), list);
  if (text !== kept) comparison(panel, kept, text);
}
