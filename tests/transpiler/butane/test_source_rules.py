"""Rules about what the author wrote; that Butane has them too is shown by the golden cases."""

from __future__ import annotations

import pytest

from transpiler.phases import transpile

OPENSHIFT = """\
variant: openshift
version: 4.19.0
metadata:
  name: site
  labels: {machineconfiguration.openshift.io/role: worker}
"""
CEX = "'rd.luks.key=/etc/luks/cex.key' must be set as kernel argument when CEX is enabled for the boot device"


@pytest.mark.parametrize(
    ("volume", "enabled", "arguments", "expected"),
    [
        ("root", True, [], [CEX]),
        ("root", True, ["quiet", "rd.luks.key=/etc/luks/cex.key"], []),
        ("root", False, [], []),
        ("data", True, [], []),
    ],
)
def test_only_the_volume_of_the_root_needs_an_argument_for_its_key(
    volume: str, arguments: list[str], expected: list[str], *, enabled: bool
) -> None:
    luks = f"storage: {{luks: [{{name: {volume}, device: /dev/a, cex: {{enabled: {str(enabled).lower()}}}}}]}}\n"
    openshift = f"openshift: {{kernel_arguments: [{', '.join(arguments)}]}}\n"
    result = transpile((OPENSHIFT + luks + openshift).encode())
    assert [problem.message for problem in result.problems] == expected
