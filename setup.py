"""What pyproject.toml cannot say: where two directories at the top of the repository are installed.

`schemas/` becomes `transpiler/schemas/`, and `dracut/` becomes `provision/dracut/`, from which `provision try` makes an
initramfs.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["provision*", "transpiler*"]), "provision.dracut", "transpiler.schemas"],
    package_dir={"provision.dracut": "dracut", "transpiler.schemas": "schemas"},
    package_data={
        "transpiler.schemas": ["*.json"],
        "provision": ["py.typed", "system/virtual_machine/*.sh"],
        "provision.dracut": ["*", "engine/*", "units/*"],
        "transpiler": ["py.typed", "lint/content/tables/*.txt", "lint/content/tables/since/*.txt"],
    },
)
