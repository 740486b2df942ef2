"""The version that added a setting is read from systemd's source and manual."""

from __future__ import annotations

from docs.generate.setting_versions import first_versions, of_manual, of_source

NEW = """\
{%- macro EXEC_ITEMS(type) -%}
{{type}}.User,   config_parse_user,
{{type}}.Nice,   config_parse_nice,
{%- endmacro -%}
Unit.Description,  config_parse,
SR-IOV.Trust,      config_parse,
{{ EXEC_ITEMS('Service') }}
{{ EXEC_ITEMS('Mount') }}
"""

OLD = """\
m4_define(`EXEC_ITEMS',
`$1.User,   config_parse_user,
m4_ifdef(`HAVE_SECCOMP',
`$1.SystemCallFilter,  config_parse'
)'
)m4_dnl
Unit.Description,  config_parse,
EXEC_ITEMS(Service)m4_dnl
"""

PAGE = r"""
.PP
\fIOne=\fR
.RS 4
Text\&.
.sp
Added in version 258\&.
.RE
.PP
\fITwo=\fR, \fIThree=\fR
.RS 4
Text\&.
.RE
\fIFour=\fR
.RS 4
Added in version 260\&.
.RE
"""


def test_macros_of_the_source() -> None:
    assert of_source(NEW) == {
        *(("Unit", "Description"), ("SR-IOV", "Trust")),
        *((section, name) for section in ("Service", "Mount") for name in ("User", "Nice")),
    }


def test_macros_of_old_sources() -> None:
    assert of_source(OLD) == {("Unit", "Description"), ("Service", "User"), ("Service", "SystemCallFilter")}


def test_the_first_version_counts() -> None:
    a, b = ("Unit", "A"), ("Unit", "B")
    assert first_versions([(1, {a}), (2, {a, b})]) == {a: 1, b: 2}


def test_dates_of_the_manual() -> None:
    assert of_manual(PAGE) == {"One": 258, "Four": 260}
