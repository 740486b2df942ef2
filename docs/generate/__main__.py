"""`python -m docs.generate`: writes every generated file of this checkout and deletes the stale ones."""

from __future__ import annotations

from pathlib import Path

from docs.generate import generated, stale


def main() -> None:
    """Write what differs, delete what is stale, and name both."""
    root = Path(__file__).resolve().parents[2]
    for path, text in generated().items():
        target = root / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            print(f"written: {path}")
    for path in stale(root):
        (root / path).unlink()
        print(f"deleted: {path}")


if __name__ == "__main__":
    main()
