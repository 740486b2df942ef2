"""What pyproject.toml cannot say: `schemas/` at the top of the repository is installed as `transpiler/schemas/`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["provision*", "transpiler*"]), "transpiler.schemas"],
    package_dir={"transpiler.schemas": "schemas"},
    package_data={
        "transpiler.schemas": ["*.json"],
        "provision": ["py.typed"],
        "transpiler": ["py.typed", "lint/content/tables/*.txt"],
    },
)
