"""The author's side: YAML for people (Butane) -> JSON for machines (Ignition).

One function is the way in for everybody else, the machine's side included:

    result = transpile(raw, name="site.yaml", files_dir="files")
    result.config      the config, None if it has errors; `result.json` is the same as JSON text
    result.findings()  every problem with its line and column; `result.failed` tells whether there is a result

It never raises because of what the bytes are. It needs the package `yaml`: where that is missing, ImportError.
"""

from transpiler.phases import Result, transpile

__all__ = ["Result", "transpile"]
