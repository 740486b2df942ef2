// The editor of the config, and the read-only views of the output and of the two compared texts.

import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { foldGutter, foldKeymap, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { element, marked } from "./dom.js";

const LOOKS = [EditorView.cspNonce.of("editor"), syntaxHighlighting(classHighlighter), EditorView.lineWrapping];

// The offset of a place {line, character} that counts from 0; a place outside of the text is moved into it.
export function offsetOf(doc, [line, character]) {
  const found = doc.line(Math.min(line + 1, doc.lines));
  return Math.min(found.from + character, found.to);
}

function placeOf(doc, offset) {
  const line = doc.lineAt(offset);
  return { line: line.number - 1, character: offset - line.from };
}

export function configEditor(parent, text, { onChange, ask }) {
  const complete = async (context) => {
    if (!context.explicit && !context.matchBefore(/[\w-]$/)) return null;
    const offers = await ask("complete", placeOf(context.state.doc, context.pos));
    if (!offers?.length || context.aborted) return null;
    return {
      from: offsetOf(context.state.doc, offers[0].from),
      validFor: /^[\w.-]*$/,
      options: offers.map((one) => ({
        label: one.label,
        apply: one.text,
        detail: one.detail,
        type: one.isKey ? "property" : "constant",
        info: one.documentation ? () => marked(one.documentation) : undefined,
      })),
    };
  };
  const describe = async (view, at) => {
    const found = await ask("describe", placeOf(view.state.doc, at));
    if (!found) return null;
    const doc = view.state.doc;
    return { pos: offsetOf(doc, found.from), end: offsetOf(doc, found.to), create: () => ({ dom: marked(found.text) }) };
  };
  return new EditorView({
    parent,
    doc: text,
    extensions: [
      LOOKS,
      lineNumbers(),
      foldGutter(),
      lintGutter(),
      history(),
      drawSelection(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSelectionMatches(),
      yaml(),
      indentUnit.of("  "),
      autocompletion({ override: [complete], icons: false }),
      hoverTooltip(describe),
      keymap.of([...completionKeymap, ...lintKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...defaultKeymap, indentWithTab]),
      EditorView.contentAttributes.of({ "aria-label": "Butane config", spellcheck: "false" }),
      EditorView.updateListener.of((update) => update.docChanged && onChange()),
    ],
  });
}

export function showProblems(view, problems) {
  const doc = view.state.doc;
  const shown = problems.map((one) => ({
    from: offsetOf(doc, one.from),
    to: offsetOf(doc, one.to),
    severity: one.severity === "error" ? "error" : "warning",
    message: one.message,
    renderMessage: () => element("div", {}, element("p", {}, one.message), one.hint ? element("p", { className: "hint" }, one.hint) : ""),
  }));
  view.dispatch(setDiagnostics(view.state, shown));
}

export function moveTo(view, place) {
  const at = offsetOf(view.state.doc, place);
  view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
  view.focus();
}

export function replaceText(view, text) {
  if (text === view.state.doc.toString()) return;
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}

export function readOnlyView(parent, text, label) {
  const language = text.startsWith("{") ? json() : yaml();
  return new EditorView({ parent, state: EditorState.create({ doc: text, extensions: [LOOKS, language, lineNumbers(), foldGutter(), ...reading(label)] }) });
}

export function comparison(parent, before, after) {
  const merge = unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: { margin: 2, minSize: 4 } });
  return new EditorView({ parent, state: EditorState.create({ doc: after, extensions: [LOOKS, yaml(), lineNumbers(), merge, ...reading("Changed lines")] }) });
}

function reading(label) {
  return [EditorState.readOnly.of(true), EditorView.editable.of(false), EditorView.contentAttributes.of({ "aria-label": label, tabindex: "-1" })];
}
