//! Pulsar's REST interface, and HTTP as far as the other services need it.

use std::io::ErrorKind;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

use crate::error::{Error, Result};

const LIMIT: Duration = Duration::from_secs(30);
const ANSWER_BYTES: u64 = 1 << 30;
/// From one to another, who may have changed meanwhile.
const REDIRECTS: usize = 3;
/// What the paths begin with that functions workers answer.
const OF_WORKERS: [&str; 5] =
    ["/admin/v3/functions", "/admin/v3/sinks", "/admin/v3/sources", "/admin/v2/worker", "/metrics"];
const BOUNDARY: &str = "hdfs-csv-stack-part";

/// A client of one service's HTTP port, or of several services that are alike. Answers that are not JSON come back as text.
#[derive(Clone)]
pub(crate) struct Http {
    agent: Agent,
    bases: Vec<String>,
    token: Option<String>,
}

impl Http {
    pub(crate) fn new(port: u16) -> Self {
        Self::with_limit(port, LIMIT)
    }

    /// A client that waits so long for a whole answer.
    pub(crate) fn with_limit(port: u16, limit: Duration) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(limit))
            .http_status_as_error(false)
            .proxy(None)
            // By itself it follows only requests without a body.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build()
            .new_agent();
        Self { agent, bases: vec![base(port)], token: None }
    }

    /// A client of the first of these ports that takes connections.
    fn of_any(ports: &[u16]) -> Self {
        Self { bases: ports.iter().copied().map(base).collect(), ..Self::new(0) }
    }

    /// The same client with a role's token.
    pub(crate) fn with_token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, "application/json", String::new())
    }

    /// Sends a text and returns the answer as it is.
    pub(crate) fn post_text(&self, path: &str, body: &str) -> Result<String> {
        self.exchange(Method::POST, path, "text/plain", body.to_owned())
    }

    fn send(&self, method: Method, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Result<Value> {
        let text = self.exchange(method, path, content_type, body)?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn exchange(&self, method: Method, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Result<String> {
        let body = body.into();
        let error =
            |status, problem| Error::Admin { method: method.to_string(), path: path.to_owned(), status, problem };
        let failed = |problem: &dyn std::fmt::Display| error(None, problem.to_string());
        let request = |url: &str| {
            let mut request = Request::builder().method(method.clone()).uri(url).header("Content-Type", content_type);
            if let Some(token) = &self.token {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            self.agent.run(request.body(&body[..])?)
        };
        let mut bases = self.bases.iter().map(|base| request(&format!("{base}{path}")));
        let first = bases.find(|answer| !answer.as_ref().is_err_and(refuses_connections));
        let answer = first.unwrap_or_else(|| Err(std::io::Error::from(ErrorKind::ConnectionRefused).into()));
        let mut answer = answer.map_err(|problem| failed(&problem))?;
        // A broker names the one that has the topic, a functions worker the leader.
        for _ in 0..REDIRECTS {
            let Some(to) = redirected(&answer) else { break };
            answer = request(&to).map_err(|problem| failed(&problem))?;
        }
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES);
        let text = body.read_to_string().map_err(|problem| failed(&problem))?;
        if answer.status().is_success() {
            Ok(text)
        } else {
            Err(error(Some(answer.status().as_u16()), format!("{}: {text}", answer.status())))
        }
    }
}

fn base(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Whether nothing was sent, as nobody listens.
fn refuses_connections(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused)
}

/// Where an answer says that the request is to be sent.
fn redirected(answer: &Response<Body>) -> Option<String> {
    let to = answer.headers().get("Location").filter(|_| answer.status().is_redirection())?;
    to.to_str().ok().map(str::to_owned)
}

/// A client of Pulsar's REST interface. Topics are named in full or as `tenant/namespace/topic`.
pub struct Admin {
    brokers: Http,
    /// Those who have functions, sources and sinks: the same, where Pulsar is standalone.
    workers: Http,
}

impl Admin {
    /// A client of the Pulsar at this port of the loopback interface.
    #[must_use]
    pub fn new(web_port: u16) -> Self {
        Self::of_cluster(&[web_port], &[web_port])
    }

    /// A client of the brokers and functions workers at these ports.
    pub(crate) fn of_cluster(brokers: &[u16], workers: &[u16]) -> Self {
        Self { brokers: Http::of_any(brokers), workers: Http::of_any(workers) }
    }

    /// The same client with a role's token, if there is one.
    pub(crate) fn with_token(self, token: Option<&str>) -> Self {
        Self { brokers: self.brokers.with_token(token), workers: self.workers.with_token(token) }
    }

    /// Any GET request.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.who_answers(path).get(path)
    }

    /// Any PUT request.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(Method::PUT, path, body)
    }

    /// Any POST request.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(Method::POST, path, body)
    }

    /// Any DELETE request.
    pub fn delete(&self, path: &str) -> Result<Value> {
        self.who_answers(path).send(Method::DELETE, path, "application/json", String::new())
    }

    /// Makes a tenant, for all clusters that are known.
    pub fn create_tenant(&self, tenant: &str) -> Result<()> {
        let clusters = self.get("/admin/v2/clusters")?;
        let body = json!({ "adminRoles": [], "allowedClusters": clusters });
        self.put(&format!("/admin/v2/tenants/{tenant}"), &body).map(drop)
    }

    /// Makes a namespace: `tenant/namespace`.
    pub fn create_namespace(&self, namespace: &str) -> Result<()> {
        self.put(&format!("/admin/v2/namespaces/{namespace}"), &json!({})).map(drop)
    }

    /// Keeps acknowledged messages of a namespace; -1 is without limit.
    pub fn set_retention(&self, namespace: &str, minutes: i32, megabytes: i64) -> Result<()> {
        let body = json!({ "retentionTimeInMinutes": minutes, "retentionSizeInMB": megabytes });
        self.post(&format!("/admin/v2/namespaces/{namespace}/retention"), &body).map(drop)
    }

    /// Makes a topic without partitions.
    pub fn create_topic(&self, topic: &str) -> Result<()> {
        self.put(&topic_path(topic, ""), &json!({})).map(drop)
    }

    /// Makes a topic with partitions.
    pub fn create_partitioned_topic(&self, topic: &str, partitions: u32) -> Result<()> {
        self.put(&topic_path(topic, "/partitions"), &json!(partitions)).map(drop)
    }

    /// Deletes a topic, its subscriptions too.
    pub fn delete_topic(&self, topic: &str) -> Result<()> {
        self.delete(&topic_path(topic, "?force=true")).map(drop)
    }

    /// The topics of a namespace (partitions count as topics).
    pub fn topics(&self, namespace: &str) -> Result<Vec<String>> {
        Ok(names(&self.get(&format!("/admin/v2/persistent/{namespace}"))?))
    }

    /// A topic's statistics.
    pub fn topic_stats(&self, topic: &str) -> Result<Value> {
        self.get(&topic_path(topic, "/stats"))
    }

    /// A partitioned topic's statistics, its partitions' too.
    pub fn partitioned_stats(&self, topic: &str) -> Result<Value> {
        self.get(&topic_path(topic, "/partitioned-stats?perPartition=true"))
    }

    /// A topic's ledgers and cursors.
    pub fn internal_stats(&self, topic: &str) -> Result<Value> {
        self.get(&topic_path(topic, "/internalStats"))
    }

    /// The subscriptions of a topic.
    pub fn subscriptions(&self, topic: &str) -> Result<Vec<String>> {
        Ok(names(&self.get(&topic_path(topic, "/subscriptions"))?))
    }

    /// Gives a topic a schema: its type, as `AVRO`, and its definition.
    pub fn upload_schema(&self, topic: &str, kind: &str, definition: &str) -> Result<()> {
        let name = strip_domain(topic);
        let body = json!({ "type": kind, "schema": definition, "properties": {} });
        self.post(&format!("/admin/v2/schemas/{}/schema", encoded(name)), &body).map(drop)
    }

    /// The sinks of a namespace: `tenant/namespace`.
    pub fn sinks(&self, namespace: &str) -> Result<Vec<String>> {
        Ok(names(&self.get(&format!("/admin/v3/sinks/{namespace}"))?))
    }

    /// The connectors that the worker found in its connectors folder.
    pub fn connectors(&self) -> Result<Vec<String>> {
        let found = self.get("/admin/v3/sinks/builtinsinks")?;
        let named = |connector: &Value| connector["name"].as_str().map(str::to_owned);
        Ok(found.as_array().into_iter().flatten().filter_map(named).collect())
    }

    /// Makes a sink from a connector in the connectors folder. The configuration's `archive` names it, as
    /// `builtin://hdfs-csv`.
    pub fn create_sink(&self, namespace: &str, name: &str, config: &Value) -> Result<()> {
        self.sink_config(Method::POST, namespace, name, config)
    }

    /// Changes a sink's configuration.
    pub fn update_sink(&self, namespace: &str, name: &str, config: &Value) -> Result<()> {
        self.sink_config(Method::PUT, namespace, name, config)
    }

    /// How a sink and its instances are.
    pub fn sink_status(&self, namespace: &str, name: &str) -> Result<Value> {
        self.get(&format!("/admin/v3/sinks/{namespace}/{name}/status"))
    }

    /// Restarts all instances of a sink.
    pub fn restart_sink(&self, namespace: &str, name: &str) -> Result<()> {
        self.post(&format!("/admin/v3/sinks/{namespace}/{name}/restart"), &json!({})).map(drop)
    }

    /// Stops all instances of a sink.
    pub fn stop_sink(&self, namespace: &str, name: &str) -> Result<()> {
        self.post(&format!("/admin/v3/sinks/{namespace}/{name}/stop"), &json!({})).map(drop)
    }

    /// Starts all instances of a sink that was stopped.
    pub fn start_sink(&self, namespace: &str, name: &str) -> Result<()> {
        self.post(&format!("/admin/v3/sinks/{namespace}/{name}/start"), &json!({})).map(drop)
    }

    /// Deletes a sink.
    pub fn delete_sink(&self, namespace: &str, name: &str) -> Result<()> {
        self.delete(&format!("/admin/v3/sinks/{namespace}/{name}")).map(drop)
    }

    fn who_answers(&self, path: &str) -> &Http {
        let is_of_workers = OF_WORKERS.iter().any(|beginning| path.starts_with(beginning));
        if is_of_workers { &self.workers } else { &self.brokers }
    }

    fn json(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        self.who_answers(path).send(method, path, "application/json", body.to_string())
    }

    fn sink_config(&self, method: Method, namespace: &str, name: &str, config: &Value) -> Result<()> {
        let mut config = config.clone();
        let (tenant, bare_namespace) = namespace.split_once('/').unwrap_or((namespace, ""));
        config["tenant"] = tenant.into();
        config["namespace"] = bare_namespace.into();
        config["name"] = name.into();
        let part = |names: &str, content_type: &str| {
            let disposition = format!("Content-Disposition: form-data; name={names}");
            format!("--{BOUNDARY}\r\n{disposition}\r\nContent-Type: {content_type}\r\n\r\n").into_bytes()
        };
        let mut body = part("\"sinkConfig\"", "application/json");
        body.extend_from_slice(format!("{config}\r\n").as_bytes());
        // An archive that is a file goes with it, as pulsar-admin sends it.
        if let Some(archive) = config["archive"].as_str().filter(|archive| archive.starts_with('/')) {
            body.extend(part("\"data\"; filename=\"archive.nar\"", "application/octet-stream"));
            body.extend(std::fs::read(archive).map_err(Error::io(archive))?);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        self.workers.send(method, &format!("/admin/v3/sinks/{namespace}/{name}"), &content_type, body).map(drop)
    }
}

fn names(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn topic_path(topic: &str, rest: &str) -> String {
    format!("/admin/v2/persistent/{}{rest}", encoded(strip_domain(topic)))
}

fn strip_domain(topic: &str) -> &str {
    topic.strip_prefix("persistent://").unwrap_or(topic)
}

/// Percent-encodes what a path does not hold as it is; `/` stays.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes().fold(String::new(), |path, byte| {
        if plain(byte) { path + &char::from(byte).to_string() } else { format!("{path}%{byte:02X}") }
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread::{JoinHandle, spawn};

    use super::*;

    /// Takes one request, whose body is this, and answers it; its port.
    fn answering(body: &'static str, answer: String) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let (mut request, mut byte) = (Vec::new(), [0]);
            while !request.ends_with(format!("\r\n\r\n{body}").as_bytes()) {
                connection.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            let end = "Connection: close\r\nContent-Length: 2\r\n\r\n[]";
            connection.write_all(format!("HTTP/1.1 {answer}\r\n{end}").as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        (port, thread)
    }

    #[test]
    fn a_topic_becomes_a_path() {
        assert_eq!(topic_path("persistent://a/b/c d", "/stats"), "/admin/v2/persistent/a/b/c%20d/stats");
        assert_eq!(topic_path("a/b/c", ""), "/admin/v2/persistent/a/b/c");
    }

    #[test]
    fn a_request_goes_to_the_first_who_listens_and_then_to_whom_the_answer_names() {
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let (named, last) = answering("[4]", "200 OK".to_owned());
        let (listens, first) = answering("[4]", format!("307 Elsewhere\r\nLocation: http://127.0.0.1:{named}/other"));
        let admin = Admin::of_cluster(&[gone, listens], &[]).with_token(Some("secret"));
        assert_eq!(admin.put("/one", &json!([4])).unwrap(), json!([]));
        assert!(first.join().unwrap().starts_with("PUT /one "));
        let last = last.join().unwrap();
        assert!(last.starts_with("PUT /other ") && last.to_lowercase().contains("bearer secret"), "{last}");
    }

    #[test]
    fn a_request_about_sinks_goes_to_the_functions_workers_and_any_other_to_the_brokers() {
        let admin = Admin::of_cluster(&[1], &[2]);
        for (path, port) in [("/admin/v3/sinks/a/b", 2), ("/admin/v2/worker/cluster", 2), ("/admin/v2/clusters", 1)] {
            assert_eq!(admin.who_answers(path).bases, [base(port)], "{path}");
        }
    }
}
