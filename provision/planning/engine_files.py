"""Names of the files by which later boots know how far a first boot has come. A config may not write them."""

from __future__ import annotations

COMPLETION_RECORD = ".provision-complete.json"
"""It is in a folder of the root file system, or at the top of another one."""

JOURNAL = ".provision-journal"
MOVED_ROOT = ".provision-root-done"
RESET_REQUEST = ".provision-reset.json"
UNFINISHED_ROOT = ".provision-root"

ENGINE_FILES = frozenset({COMPLETION_RECORD, JOURNAL, MOVED_ROOT, RESET_REQUEST, UNFINISHED_ROOT})
