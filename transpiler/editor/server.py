"""The language server: answers of the other modules in the terms of the Language Server Protocol, with pygls."""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.io_ import StdoutWriter
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from provision import __version__
from provision.config.problems import Position
from transpiler.authoring.formatted import formatted
from transpiler.composition.values import Values
from transpiler.editor import code_actions, completion, definition, diagnostics, hover, names, outline
from transpiler.editor.document import OpenDocument, TextRange, WholeConfig, names_variant
from transpiler.editor.protocol.answers import AnsweringProtocol, answer_all
from transpiler.reading.local_files import LocalFileError, read_file
from transpiler.reading.tree import MAX_BYTES
from transpiler.releases.table import Release
from transpiler.translation_state import TranspileOptions

WAIT = 0.01
"""Seconds without a further change before a text is checked."""

SOURCE = "transpile"


FindConfig = Callable[[str, str], str]
"""Takes the path of a file and the files directory, which may be empty; returns the path of a config, or nothing."""


class FileSettings(NamedTuple):
    """How the texts of one directory are checked. An empty `files_dir` means the directory of the text.

    `value_files` are the real paths of the files with variables and secrets.
    """

    files_dir: str = ""
    ignore: tuple[str, ...] = ()
    values: Values | None = None
    release: Release | None = None
    value_files: frozenset[str] = frozenset()


class ConfigServer:
    """A server for configs.

    `settings_for` returns the settings for the texts of a directory, and `whole_config` the path of a config that has a
    file as its part, empty if there is none.

    `versions` has the versions of the open documents, and `known` those that were checked, by the addresses that the
    editor uses; `wholes` has the configs of those that are only parts.
    """

    def __init__(self, settings_for: Callable[[str], FileSettings], whole_config: FindConfig) -> None:
        self.settings_for = settings_for
        self.whole_config = whole_config
        self.wholes: dict[str, str] = {}
        self.known: dict[str, tuple[str, OpenDocument]] = {}
        self.versions: dict[str, int] = {}
        # whole texts: pygls splits lines at U+2028 and form feeds, too, and would edit the wrong line
        full = types.TextDocumentSyncKind.Full
        self.server = LanguageServer(
            "transpile", __version__, text_document_sync_kind=full, protocol_cls=AnsweringProtocol
        )
        for name, answer, options in (
            (types.TEXT_DOCUMENT_DID_OPEN, self.opened, None),
            (types.TEXT_DOCUMENT_DID_CHANGE, self.changed, None),
            (types.TEXT_DOCUMENT_DID_SAVE, self.saved, None),
            (types.TEXT_DOCUMENT_DID_CLOSE, self.closed, None),
            (types.TEXT_DOCUMENT_COMPLETION, self.complete, types.CompletionOptions(trigger_characters=list(" [=/"))),
            (types.TEXT_DOCUMENT_HOVER, self.hover, None),
            (types.TEXT_DOCUMENT_CODE_ACTION, self.act, types.CodeActionOptions(list(_ACTION_KINDS))),
            (types.TEXT_DOCUMENT_DEFINITION, self.define, None),
            (types.TEXT_DOCUMENT_REFERENCES, self.refer, None),
            (types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, self.list_symbols, None),
            (types.TEXT_DOCUMENT_FOLDING_RANGE, self.fold, None),
            (types.TEXT_DOCUMENT_FORMATTING, self.format, None),
            (types.TEXT_DOCUMENT_PREPARE_RENAME, self.prepare_rename, None),
            (types.TEXT_DOCUMENT_RENAME, self.rename, types.RenameOptions(prepare_provider=True)),
        ):
            self.server.feature(name, options)(partial(answer))  # pygls sets attributes, which methods refuse

    def document(self, uri: str) -> OpenDocument:
        """The document of an address; translated again only if its text has changed.

        Raises JsonRpcInvalidParams if it is not open.
        """
        if uri not in self.versions:
            raise JsonRpcInvalidParams(f"{uri}: the document is not open")
        text = self.server.workspace.get_text_document(uri).source
        before = self.known.get(uri)
        if before is None or before[0] != text:
            made = self.opened_text(uri, text)
            self.known[uri] = before = (text, made)
        return before[1]

    def opened_text(self, uri: str, text: str) -> OpenDocument:
        """The document with a text, and how it is checked."""
        encoding = str(getattr(self.server.workspace.position_encoding, "value", "utf-16"))
        path = to_fs_path(uri) if uri.startswith("file:") else None
        settings = self.settings_for(os.path.dirname(path)) if path else FileSettings()
        if path and not names_variant(text):
            if os.path.realpath(path) in settings.value_files:
                return OpenDocument(text, encoding=encoding, holds_values=True)
            if uri not in self.wholes:
                self.wholes[uri] = self.whole_config(path, settings.files_dir)
            whole = self.wholes[uri]
            try:
                raw = read_file(whole, MAX_BYTES) if whole else b""
            except LocalFileError:  # it was removed
                whole = ""
            if whole:
                options = _options(whole, self.settings_for(os.path.dirname(whole)))
                return OpenDocument(text, options, encoding=encoding, part_of=WholeConfig(raw, path))
        return OpenDocument(text, _options(path or "", settings), encoding=encoding)

    def opened(self, params: types.DidOpenTextDocumentParams) -> None:
        """Check a text that was opened."""
        self.versions[params.text_document.uri] = params.text_document.version
        self.publish(params.text_document.uri)

    async def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        """Check a text that was changed, unless it changes again soon."""
        uri, version = params.text_document.uri, params.text_document.version
        if uri not in self.versions:
            return
        self.versions[uri] = version
        await asyncio.sleep(WAIT)
        if self.versions.get(uri) == version:
            self.publish(uri)

    def saved(self, _params: types.DidSaveTextDocumentParams) -> None:
        """Check all open texts again, because a saved file may be a local file of theirs."""
        self.known.clear()
        self.wholes.clear()
        for uri in list(self.versions):
            self.publish(uri)

    def closed(self, params: types.DidCloseTextDocumentParams) -> None:
        """Forget a text, and remove its diagnostics."""
        uri = params.text_document.uri
        self.known.pop(uri, None)
        self.wholes.pop(uri, None)
        self.versions.pop(uri, None)
        self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri=uri, diagnostics=[]))

    def publish(self, uri: str) -> None:
        """Send the diagnostics of a text."""
        document = self.document(uri)
        found = [_diagnostic(document, one) for one in diagnostics.diagnostics(document)]
        version = self.versions[uri]
        self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))

    def complete(self, params: types.CompletionParams) -> types.CompletionList:
        """The completions at a place."""
        document = self.document(params.text_document.uri)
        offers = completion.completions(document, document.position(params.position.line, params.position.character))
        return types.CompletionList(is_incomplete=False, items=[_item(document, one) for one in offers])

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """The description of the key at a place."""
        document = self.document(params.text_document.uri)
        found = hover.hover(document, document.position(params.position.line, params.position.character))
        if found is None:
            return None
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, found.text), _range(document, found.span))

    def act(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """The code actions for a part of a text."""
        uri, only = params.text_document.uri, params.context.only
        document = self.document(uri)
        found: list[types.CodeAction] = []
        if only is None or any(_ACTION_KINDS[0].value.startswith(str(getattr(one, "value", one))) for one in only):
            first, last = params.range.start.line, params.range.end.line
            lines = (document.position(number, 0).line for number in (first, last))
            found += [_action(document, uri, one) for one in code_actions.code_actions(document, *lines)]
        elif any(_ACTION_KINDS[1].value.startswith(str(getattr(one, "value", one))) for one in only):
            found += [_action(document, uri, one) for one in code_actions.mend_all(document)]
        return found

    def define(self, params: types.DefinitionParams) -> types.Location | None:
        """The place where the thing at a place is defined."""
        uri = params.text_document.uri
        document = self.document(uri)
        found = definition.definition(document, document.position(params.position.line, params.position.character))
        if found is None:
            return None
        if not found.file:
            return types.Location(uri, _range(document, found.span))
        start = types.Position(0, 0)
        return types.Location(from_fs_path(found.file) or "", types.Range(start, start))

    def refer(self, params: types.ReferenceParams) -> list[types.Location]:
        """The places that use the name at a place."""
        uri = params.text_document.uri
        document = self.document(uri)
        at = document.position(params.position.line, params.position.character)
        found = names.name_under(document, at)
        if found is None:
            return []
        own = [found[0].span] if params.context.include_declaration else []
        spans = [*own, *(span for span, _ in names.references(document, found[0]))]
        return [types.Location(uri, _range(document, span)) for span in spans]

    def list_symbols(self, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        """The outline of a text."""
        document = self.document(params.text_document.uri)
        return [_symbol(document, one) for one in outline.symbols(document)]

    def fold(self, params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        """The parts of a text that can be folded."""
        document = self.document(params.text_document.uri)
        spans = (_range(document, TextRange(_start(first), _start(last))) for first, last in outline.folds(document))
        return [types.FoldingRange(one.start.line, one.end.line) for one in spans]

    def format(self, params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        """The edit that formats a text as `transpile fmt` does; none if that changes nothing."""
        document = self.document(params.text_document.uri)
        made = formatted(document.raw).raw
        if made == document.raw:
            return []
        whole = TextRange(Position(1, 1), Position(len(document.lines), len(document.lines[-1]) + 1))
        return [types.TextEdit(_range(document, whole), made.decode())]

    def prepare_rename(self, params: types.PrepareRenameParams) -> types.Range | None:
        """The name at a place that can be changed."""
        document = self.document(params.text_document.uri)
        at = document.position(params.position.line, params.position.character)
        found = names.name_under(document, at)
        return _range(document, found[1]) if found else None

    def rename(self, params: types.RenameParams) -> types.WorkspaceEdit:
        """The edits that change a name everywhere. Raises JsonRpcInvalidParams, which editors show, if it cannot."""
        uri = params.text_document.uri
        document = self.document(uri)
        at = document.position(params.position.line, params.position.character)
        try:
            edits = names.renamed(document, at, params.new_name)
        except names.RenameRefused as refused:
            raise JsonRpcInvalidParams(str(refused)) from None
        return _workspace_edit(document, uri, edits)


def _options(path: str, settings: FileSettings) -> TranspileOptions:
    """How the config of a path is translated; an empty path is that of a text without a file."""
    return TranspileOptions(
        name=path,
        files_dir=settings.files_dir or os.path.dirname(path),
        ignore=settings.ignore,
        values=settings.values,
        release=settings.release,
    )


_ACTION_KINDS = (types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll)


def _start(line: int) -> Position:
    return Position(line, 1)


def _range(document: OpenDocument, span: TextRange) -> types.Range:
    return types.Range(*(types.Position(*document.editor_position(at)) for at in span))


def _diagnostic(document: OpenDocument, one: diagnostics.Diagnostic) -> types.Diagnostic:
    level = types.DiagnosticSeverity.Error if one.problem.fatal else types.DiagnosticSeverity.Warning
    return types.Diagnostic(_range(document, one.span), one.message, severity=level, code=one.rule, source=SOURCE)


def _item(document: OpenDocument, one: completion.Completion) -> types.CompletionItem:
    kind = types.CompletionItemKind.Property if one.is_key else types.CompletionItemKind.Value
    documentation = types.MarkupContent(types.MarkupKind.Markdown, one.documentation) if one.documentation else None
    return types.CompletionItem(
        label=one.label,
        kind=kind,
        detail=one.detail or None,
        documentation=documentation,
        filter_text=one.text,
        insert_text_mode=types.InsertTextMode.AsIs,
        text_edit=types.TextEdit(_range(document, one.span), one.text),
    )


def _workspace_edit(document: OpenDocument, uri: str, edits: Sequence[tuple[TextRange, str]]) -> types.WorkspaceEdit:
    changes = [types.TextEdit(_range(document, span), text) for span, text in edits]
    return types.WorkspaceEdit(changes={uri: changes})


def _action(document: OpenDocument, uri: str, one: code_actions.CodeAction) -> types.CodeAction:
    return types.CodeAction(
        title=one.title,
        kind=_ACTION_KINDS[0 if one.diagnostic else 1],
        diagnostics=[_diagnostic(document, one.diagnostic)] if one.diagnostic else None,
        is_preferred=one.is_preferred or None,
        edit=_workspace_edit(document, uri, one.edits),
    )


def _symbol(document: OpenDocument, one: outline.Symbol) -> types.DocumentSymbol:
    return types.DocumentSymbol(
        name=one.name or "-",
        kind=types.SymbolKind.Struct if one.inner else types.SymbolKind.Field,
        range=_range(document, one.span),
        selection_range=_range(document, one.name_span),
        detail=one.detail or None,
        children=[_symbol(document, inner) for inner in one.inner],
    )


def serve(settings_for: Callable[[str], FileSettings], whole_config: FindConfig) -> int:
    """Answer on standard input and output until the editor ends the connection; returns the exit status.

    It is 1 if the editor says `exit` without `shutdown`. Raises OSError if the connection breaks.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_is_bug)
    for logger in (logging.getLogger("pygls"), logging.getLogger("concurrent.futures")):  # pygls answers in futures
        logger.addHandler(handler)
        logger.propagate = False
    # duplicates, because pygls closes what it gets
    with os.fdopen(os.dup(0), "rb") as receiving, os.fdopen(os.dup(1), "wb") as sending:
        protocol = cast("AnsweringProtocol", ConfigServer(settings_for, whole_config).server.protocol)
        protocol.set_writer(StdoutWriter(sending))
        try:
            asyncio.run(answer_all(receiving, protocol))
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0


def _is_bug(record: logging.LogRecord) -> bool:
    """Whether a message of a library is about an exception of our modules, not about a bad request or a bad client."""
    expected = (JsonRpcInvalidParams, OSError, ValueError)
    if record.exc_info is None or isinstance(record.exc_info[1], expected):
        return False
    modules = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(record.exc_info[2]))
    return any(module.startswith("transpiler.") for module in modules)
