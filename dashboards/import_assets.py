"""Brings conf/superset into a Superset. What is there of it already becomes what the files say; nothing else changes.

python3 dashboards/import_assets.py --superset http://127.0.0.1:8088 --user admin --password … \
    --clickhouse clickhousedb://default@127.0.0.1:8123/marketplace --hive hive://hive@127.0.0.1:10000/marketplace
"""

import argparse
import io
import json
import os
import re
import zipfile
from pathlib import Path

from superset_api import Superset

ASSETS = Path(__file__).resolve().parent.parent / "conf" / "superset"
ADDRESS = re.compile(r"^sqlalchemy_uri: .*$", re.MULTILINE)


def archive(addresses):
    """The files as Superset takes them, with the databases' addresses put in."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in sorted(ASSETS.rglob("*.yaml")):
            text = path.read_text()
            if path.parent.name == "databases" and (address := addresses.get(path.stem)):
                text = ADDRESS.sub(lambda _: f"sqlalchemy_uri: {json.dumps(address)}", text)
            bundle.writestr(f"assets/{path.relative_to(ASSETS)}", text)
    return memory.getvalue()


def main():
    options = argparse.ArgumentParser(description="Brings conf/superset into a Superset.")
    options.add_argument("--superset", required=True, metavar="URL")
    options.add_argument("--user", default="admin")
    options.add_argument("--password", default=os.environ.get("SUPERSET_PASSWORD"), help="default: SUPERSET_PASSWORD")
    options.add_argument("--clickhouse", metavar="SQLALCHEMY_URI", help="default: what the file says")
    options.add_argument("--hive", metavar="SQLALCHEMY_URI", help="default: what the file says")
    given = options.parse_args()
    superset = Superset(given.superset, given.user, given.password)
    bundle = archive({"ClickHouse": given.clickhouse, "Hive": given.hive})
    superset.post_file("/api/v1/assets/import/", "bundle", "assets.zip", bundle, "application/zip")
    for dashboard in superset.get("/api/v1/dashboard/")["result"]:
        print(f"{dashboard['dashboard_title']}: {superset.url}{dashboard['url']}")


if __name__ == "__main__":
    main()
