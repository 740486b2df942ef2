"""YAML texts in many styles, for tests of the formatter."""

from __future__ import annotations

from hypothesis import strategies as st

_WORDS = st.sampled_from(["a", "web", "/etc/x", "0644", "yes", "a b", "x:y", "-1", "é", "#x"])
_NAMES = st.sampled_from(["a", "b", "path", "mode", "contents", "variant", "x-y", '"q"', "'s t'"])
_BLANKS = st.sampled_from([" ", " ", "  ", "   ", " \t"])
_COMMENTS = st.sampled_from(["", "", "", "  # one", " #two", "\t# three"])


@st.composite
def _quoted(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(['"{}"', "'{}'"])).format(draw(_WORDS))


@st.composite
def _flow(draw: st.DrawFn) -> str:
    inner = st.sampled_from(
        ["[]", "{}", "[a, b]", "{a: 1,b: [c]}", "[\n   a, # c\n\n      b\n ]", "{a: 1,\n        b: 'x\n  y'}"]
    )
    return draw(inner)


@st.composite
def _block(draw: st.DrawFn, indent: int) -> str:
    """A block after its key: header, lines, and empty lines."""
    sign, step = draw(st.sampled_from("|>")), draw(st.integers(1, 5))
    number = draw(st.sampled_from(["", "", str(step)]))
    header = sign + number + draw(st.sampled_from(["", "-", "+"])) + draw(_COMMENTS)
    texts = draw(
        st.lists(st.sampled_from(["x", "[Unit]", "  deep", "# no comment", "", "tab\t", "k: v", "   "]), min_size=1)
    )
    if not number:
        texts.insert(0, "first")
    lines = [" " * (indent + step) + text if text.strip() else " " * draw(st.integers(0, indent)) for text in texts]
    return "\n".join([header, *lines])


@st.composite
def _node(draw: st.DrawFn, indent: int, depth: int) -> str:
    """What stands behind a key or a dash, in a level of `indent` blanks; begins with white space."""
    kind = draw(st.integers(0, 7 if depth else 4))
    gap = draw(_BLANKS)
    if kind == 0:
        return gap + draw(_WORDS.filter(lambda word: word[0] != "#")) + draw(_COMMENTS)
    if kind == 1:
        return gap + draw(_quoted()) + draw(_COMMENTS)
    if kind == 2:
        return gap + draw(_flow()) + draw(_COMMENTS)
    if kind == 3:
        return gap + draw(_block(indent))
    if kind == 4:
        inner = "\n" + " " * (indent + draw(st.integers(1, 4)))
        return gap + draw(st.sampled_from([f"plain{inner}more", f"'one{inner}two'", f'"one {inner}{inner}two"', ""]))
    step = draw(st.integers(1, 5))
    return (
        draw(_COMMENTS)
        + "\n"
        + draw(_mapping(indent + step, depth - 1) if kind < 7 else _sequence(indent + step, depth - 1))
    )


@st.composite
def _mapping(draw: st.DrawFn, indent: int, depth: int) -> str:
    names = draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))
    lines = []
    for name in names:
        lines.append(draw(_between(indent)))
        if depth and draw(st.integers(0, 4)) == 0:
            lines.append(
                f"{' ' * indent}{name}:\n{draw(_sequence(indent, depth - 1))}"
            )  # dashes in the column of the key
        else:
            lines.append(f"{' ' * indent}{name}{draw(st.sampled_from(['', '', ' ']))}:{draw(_node(indent, depth))}")
    return "\n".join(lines)


@st.composite
def _between(draw: st.DrawFn, indent: int) -> str:
    column = draw(st.sampled_from([0, indent, indent, indent + 1]))
    return draw(st.sampled_from(["", "", "\n", " " * column + "# between"])) if draw(st.booleans()) else "# x"


@st.composite
def _sequence(draw: st.DrawFn, indent: int, depth: int) -> str:
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        gap = draw(st.integers(1, 3))
        if depth and draw(st.booleans()):
            inner = draw(_mapping(indent + 1 + gap, depth - 1)).lstrip("\n")
            first = next(
                (i for i, line in enumerate(inner.split("\n")) if line.strip() and "#" not in line.split(":")[0]), 0
            )
            inner = "\n".join(inner.split("\n")[first:]).lstrip(" ")
            lines.append(f"{' ' * indent}-{' ' * gap}{inner}")
        else:
            lines.append(f"{' ' * indent}-{draw(_node(indent, depth))}")
    return "\n".join(lines)


def texts() -> st.SearchStrategy[str]:
    """Mappings in any style. A few are not YAML."""
    ends = st.sampled_from(["\n", "", "\n\n", "\n# end", "\n  # end\n", "\n   \n"])
    starts = st.sampled_from(["", "", "# start\n", "\n", "---\n", "\ufeff", "%YAML 1.1\n---\n"])
    return st.builds(lambda start, body, end: start + body + end, starts, _mapping(0, 3), ends)
