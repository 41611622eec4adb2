"""Superset's settings. Secrets and addresses come from the environment."""

import os

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = os.environ["DATABASE_URI"]
# How often a running Hive query is asked for its state, in seconds; the default, 5, makes every chart wait for that long.
DB_POLL_INTERVAL_SECONDS = {"hive": 0.3}
SUPERSET_WEBSERVER_TIMEOUT = 120
# There is no HTTPS here, which these insist on.
TALISMAN_ENABLED = False
SESSION_COOKIE_SECURE = False
