"""Makes a new Superset: its tables, its administrator, its roles. In one process, as most of each step is its imports."""

import sys

from superset.cli.main import superset

user, password = sys.argv[1:]
person = ["--username", user, "--firstname", "Stack", "--lastname", "Admin", "--email", "admin@localhost"]
for step in (["db", "upgrade"], ["fab", "create-admin", *person, "--password", password], ["init"]):
    superset(step, standalone_mode=False)
