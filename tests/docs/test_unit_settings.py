"""The table of settings of units is read from what systemd and podman say of themselves."""

from __future__ import annotations

from docs.generate.unit_settings import OUTPUT, as_text, of_quadlets, of_systemd
from transpiler.editor.units.settings import sections

LISTED = """\
[Unit]
Description=STRING
BindTo=UNIT [...]

[Service]
Nice=NICE
[Mount]
Nice=NICE
X=OTHER
"""

QUADLET = """
const (
	ContainerGroup = "Container"
	KeyImage       = "Image"
	KeyPull        = "Pull"
)
	groupsInfo = map[string]GroupInfo{
		ContainerGroup: {
			GroupName:  ContainerGroup,
			SupportedKeys: map[string]bool{
				KeyImage: true,
				KeyPull:  true,
			},
		},
	}
"""


def test_settings_of_units() -> None:
    found = of_systemd(LISTED)
    assert found["Unit", "Description"] == "STRING"
    assert found["Mount", "X"] == ""
    assert ("Install", "WantedBy") in found
    assert ("Unit", "BindTo") not in found


def test_settings_of_quadlets() -> None:
    assert {("Container", "Image"), ("Container", "Pull")} <= of_quadlets(QUADLET).keys()


def test_a_setting_of_several_sections_is_written_once() -> None:
    assert "[Mount Service]\nNice NICE\n" in as_text(of_systemd(LISTED))


def test_the_stored_table_has_the_form_that_the_script_writes() -> None:
    table = {(section, name): kind for section, known in sections().items() for name, kind in known.items()}
    assert as_text(table) == OUTPUT.read_text()
