"""Superset's interface for programs, as far as dashboards need it. Python's standard library only."""

import http.cookiejar
import json
import urllib.error
import urllib.request


class Superset:
    """Someone who is logged in."""

    def __init__(self, url, user, password, seconds=300):
        self.url, self.seconds, self.headers = url.rstrip("/"), seconds, {}
        # No proxy from the environment: this is a service of one's own.
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        login = {"username": user, "password": password, "provider": "db", "refresh": False}
        token = self.post_json("/api/v1/security/login", login)["access_token"]
        self.headers["Authorization"] = f"Bearer {token}"
        self.headers["X-CSRFToken"] = self.get("/api/v1/security/csrf_token/")["result"]
        self.headers["Referer"] = self.url

    def get(self, path):
        return self._send(path, None, {})

    def post_json(self, path, body):
        return self._send(path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def post_file(self, path, field, name, content, kind):
        """One file, as a form sends it."""
        edge = "part-of-the-import"
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
        body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        return self._send(path, body, {"Content-Type": f"multipart/form-data; boundary={edge}"})

    def _send(self, path, body, headers):
        request = urllib.request.Request(self.url + path, body, {**self.headers, **headers})
        try:
            with self.opener.open(request, timeout=self.seconds) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path}: {error.code}: {error.read().decode(errors='replace')[:4000]}") from error
        except (urllib.error.URLError, TimeoutError) as error:
            raise SystemExit(f"{self.url}{path}: {error}; is Superset there?") from error
