"""Superset of a stack: on SQLite, in one process, for the loopback interface."""

import os

SECRET_KEY = os.environ["STACK_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.path.join(os.environ["SUPERSET_HOME"], "superset.db")
# How often a query that runs is asked after. Hive's default is 5 s.
DB_POLL_INTERVAL_SECONDS = {"hive": 0.3}
# How long a chart waits for its answer. Hive's, on a busy machine, take longer than the default of a minute.
SUPERSET_WEBSERVER_TIMEOUT = 300
# There is no HTTPS here, which these insist on.
TALISMAN_ENABLED = False
SESSION_COOKIE_SECURE = False
# Limits are counted in this process's memory, and tests log in often.
RATELIMIT_ENABLED = False
