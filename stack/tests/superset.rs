//! Superset comes up, lets its administrator in, and comes back.

mod common;

use std::fs;
use std::time::Duration;

use common::Result;
use hdfs_csv_stack::{Runtime, Stack, Superset};
use serde_json::{Value, json};
use ureq::Agent;

#[test]
fn superset_asks_hive_and_click_house() -> Result {
    let stack = Stack::builder().name("superset").runtime(Runtime::Thread);
    let stack = stack.hive(true).click_house(true).superset(true).start()?;
    let state = stack.state();
    let address = state.superset.ok_or("no address")?;
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
}

/// Someone who is logged in.
struct Session {
    agent: Agent,
    base: String,
    token: String,
    csrf: String,
}

impl Session {
    fn begin(superset: &Superset, user: &str, password: &str) -> Result<Self> {
        let limit = Duration::from_secs(120);
        let agent = Agent::config_builder().timeout_global(Some(limit)).proxy(None).build().new_agent();
        let mut session = Self { agent, base: superset.url(), token: String::new(), csrf: String::new() };
        let login = json!({ "username": user, "password": password, "provider": "db", "refresh": false });
        session.token =
            session.post("/api/v1/security/login", &login)?["access_token"].as_str().ok_or("no token")?.to_owned();
        session.csrf = session.get("/api/v1/security/csrf_token/")?["result"].as_str().ok_or("no token")?.to_owned();
        Ok(session)
    }

    /// Makes a connection and runs a query on it.
    fn ask(&self, name: &str, address: &str, sql: &str) -> Result<Value> {
        let database = json!({ "database_name": name, "sqlalchemy_uri": address, "expose_in_sqllab": true });
        let id = self.post("/api/v1/database/", &database)?["id"].clone();
        let query = json!({ "database_id": id, "sql": sql, "runAsync": false, "client_id": format!("{name:.11}") });
        Ok(self.post("/api/v1/sqllab/execute/", &query)?["data"].clone())
    }

    fn get(&self, path: &str) -> Result<Value> {
        let request = self.agent.get(format!("{}{path}", self.base));
        let mut answer = request.header("Authorization", format!("Bearer {}", self.token)).call()?;
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("Content-Type", "application/json");
        let request =
            request.header("Authorization", format!("Bearer {}", self.token)).header("X-CSRFToken", &self.csrf);
        let mut answer = request.config().http_status_as_error(false).build().send(body.to_string())?;
        let text = answer.body_mut().read_to_string()?;
        if answer.status().is_success() {
            Ok(serde_json::from_str(&text)?)
        } else {
            Err(format!("{path}: {text}").into())
        }
    }
}
