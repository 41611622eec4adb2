"""import_assets.py FOLDER: imports the databases, datasets, charts and dashboards of an exported folder, over what is there.

The command of the REST interface's /assets/import/: unlike `superset import-dashboards` it also updates charts.
"""

import pathlib
import sys

from superset.app import create_app

METADATA = "metadata.yaml"


def contents(folder: pathlib.Path) -> dict[str, str]:
    """The folder's YAML files by their path in it, as the importer wants them."""
    files = {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.yaml"))}
    files[METADATA] = "version: 1.0.0\ntype: assets\n"
    return files


def main() -> None:
    files = contents(pathlib.Path(sys.argv[1]))
    if len(files) == 1:
        print("there is nothing to import")
        return
    with create_app().app_context():
        from flask import g
        from superset import security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand

        g.user = security_manager.find_user("admin")
        ImportAssetsCommand(files).run()
    print(f"imported {len(files) - 1} files")


if __name__ == "__main__":
    main()
