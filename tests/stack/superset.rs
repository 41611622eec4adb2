//! Superset comes up, lets its administrator in, and comes back.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hdfs_csv_stack::{Runtime, Stack, Superset};
use hdfs_csv_tests::in_turn;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Method, Request};

#[test]
fn superset_asks_hive_and_click_house() -> Result<()> {
    in_turn(|| {
        let stack = Stack::builder().name("superset").runtime(Runtime::Thread);
        let stack = stack.hive(true).click_house(true).superset(true).start()?;
        let state = stack.state();
        let address = state.superset.context("no address")?;
        stack.click_house()?.query("CREATE TABLE answers (a Nullable(Int64)) ENGINE = MergeTree ORDER BY tuple()")?;
        stack.click_house()?.query("INSERT INTO answers VALUES (42), (NULL)")?;
        stack.hive()?.query(&["CREATE EXTERNAL TABLE answers (a BIGINT)", "SHOW TABLES"])?;

        let superset = stack.superset()?;
        assert!(Session::begin(superset, &address.user, "wrong").is_err());
        let session = Session::begin(superset, &address.user, &address.password)?;
        let click_house = format!("clickhousedb://127.0.0.1:{}/default", stack.click_house()?.port());
        let hive = format!("hive://hive@127.0.0.1:{}/default", stack.hive()?.server().port());
        let count = "SELECT COUNT(*) AS n FROM answers";
        assert_eq!(session.ask("ClickHouse", &click_house, count)?, json!([{ "n": 2 }]));
        assert_eq!(session.ask("Hive", &hive, count)?, json!([{ "n": 0 }]));

        superset.restart()?;
        let session = Session::begin(superset, &address.user, &address.password)?;
        assert_eq!(session.get("/api/v1/database/")?["count"], 2);
        superset.kill()?;
        superset.start()?;
        Session::begin(superset, &address.user, &address.password)?;
        let folder = stack.data_dir().to_path_buf();
        drop(stack);
        fs::remove_dir_all(folder)?;
        Ok(())
    })
}

/// Someone who is logged in.
struct Session {
    agent: Agent,
    base: String,
    /// What each request says about who sends it.
    headers: Vec<(&'static str, String)>,
}

impl Session {
    fn begin(superset: &Superset, user: &str, password: &str) -> Result<Self> {
        let limit = Duration::from_secs(120);
        let agent = Agent::config_builder().timeout_global(Some(limit)).http_status_as_error(false).proxy(None);
        let mut session = Self { agent: agent.build().new_agent(), base: superset.url(), headers: Vec::new() };
        let login = json!({ "username": user, "password": password, "provider": "db", "refresh": false });
        let answer = session.post("/api/v1/security/login", &login)?;
        let token = answer["access_token"].as_str().context("no token")?;
        session.headers.push(("Authorization", format!("Bearer {token}")));
        // It goes with the cookie that comes with it.
        let (answer, cookie) = session.send(Method::GET, "/api/v1/security/csrf_token/", &Value::Null)?;
        session.headers.push(("X-CSRFToken", answer["result"].as_str().context("no token")?.to_owned()));
        session.headers.push(("Cookie", cookie.context("no cookie")?));
        Ok(session)
    }

    /// Makes a connection and runs a query on it.
    fn ask(&self, name: &str, address: &str, sql: &str) -> Result<Value> {
        let database = json!({ "database_name": name, "sqlalchemy_uri": address, "expose_in_sqllab": true });
        let id = self.post("/api/v1/database/", &database)?["id"].clone();
        let query = json!({ "database_id": id, "sql": sql, "runAsync": false, "client_id": name });
        Ok(self.post("/api/v1/sqllab/execute/", &query)?["data"].clone())
    }

    fn get(&self, path: &str) -> Result<Value> {
        Ok(self.send(Method::GET, path, &Value::Null)?.0)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        Ok(self.send(Method::POST, path, body)?.0)
    }

    /// The answer, and the cookie that came with it.
    fn send(&self, method: Method, path: &str, body: &Value) -> Result<(Value, Option<String>)> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let request = request.header("Content-Type", "application/json");
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let mut answer = self.agent.run(request.body(body.to_string())?)?;
        let text = answer.body_mut().read_to_string()?;
        if !answer.status().is_success() {
            bail!("{path}: {}: {text}", answer.status());
        }
        let cookie = answer.headers().get("Set-Cookie").and_then(|cookie| cookie.to_str().ok()?.split(';').next());
        Ok((serde_json::from_str(&text)?, cookie.map(str::to_owned)))
    }
}
