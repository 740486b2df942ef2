"""Translate Butane YAML, which authors write, into Ignition JSON, which machines read.

Other packages call one function:

    result = transpile(raw, TranspileOptions(name="site.yaml", files_dir="files"))
    result.config      the config, or None if the text has errors; `result.json` is the same config as JSON text
    result.findings()  every problem with its line and column; `result.failed` is true if there is no config

`transpile` does not raise for any bytes. It raises ImportError if the package `yaml` is not installed.
"""

from transpiler.phases import transpile
from transpiler.result import Result
from transpiler.translation_state import TranspileOptions

__all__ = ["Result", "TranspileOptions", "transpile"]
