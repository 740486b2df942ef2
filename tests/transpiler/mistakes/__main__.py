"""Write every `case.report` anew."""

from __future__ import annotations

import os

from tests.transpiler.mistakes import FOLDER, mistakes

for one in mistakes():
    os.chdir(FOLDER / one.name)
    (FOLDER / one.name / "case.report").write_text(one.result().render())
