"""Asks Superset for the rows of every chart, where there is no browser: what `draw.py` does, without pictures."""

import argparse
import json
import os
from pathlib import Path

from superset_api import Superset


def main():
    options = argparse.ArgumentParser(description="Asks for every chart's rows.")
    options.add_argument("--superset", required=True, metavar="URL")
    options.add_argument("--user", default="admin")
    options.add_argument("--password", default=os.environ.get("SUPERSET_PASSWORD"), help="default: SUPERSET_PASSWORD")
    options.add_argument("--out", required=True, type=Path, metavar="DIR")
    options.add_argument("slugs", nargs="+")
    given = options.parse_args()
    superset = Superset(given.superset, given.user, given.password)
    answers, problems = {}, []
    for slug in given.slugs:
        answers[slug] = {}
        for chart in superset.get(f"/api/v1/dashboard/{slug}/charts")["result"]:
            answer = superset.get(f"/api/v1/chart/{chart['id']}/data/?force=true")
            answers[slug][chart["slice_name"]] = answer
            problems += [
                f"{slug}: {chart['slice_name']}: no rows: {result.get('error') or result.get('query')}"
                for result in answer["result"] if result.get("error") or not result.get("data")
            ]
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "answers.json").write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
    if problems:
        raise SystemExit("\n".join(problems))


if __name__ == "__main__":
    main()
