//! What proves to a broker who this is.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use pulsar::authentication::Authentication;
use pulsar::error::AuthenticationError;
use serde_json::Value;

use super::tls::Identity;
use crate::time;

const TOKEN: &str = "org.apache.pulsar.client.impl.auth.AuthenticationToken";
const CERTIFICATE: &str = "org.apache.pulsar.client.impl.auth.AuthenticationTls";
const DISABLED: &str = "org.apache.pulsar.client.impl.auth.AuthenticationDisabled";

/// How a client proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Not at all.
    Nobody,
    /// By a token.
    Token(Token),
    /// By the certificate that it shows when TLS begins.
    Certificate,
}

/// A token, which no text shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Token {
    /// The token itself.
    Text(String),
    /// The file that it is in, which is read for each connection: another token may take its place.
    File(PathBuf),
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Text(_) => formatter.write_str("a token"),
            Token::File(path) => write!(formatter, "the token in {}", path.display()),
        }
    }
}

impl Token {
    fn read(&self) -> Result<Vec<u8>> {
        match self {
            Token::Text(token) => Ok(token.clone().into_bytes()),
            Token::File(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("the file of the token, {}, cannot be read", path.display()))?;
                ensure!(!text.trim().is_empty(), "the file of the token, {}, is empty", path.display());
                Ok(text.trim().as_bytes().to_vec())
            }
        }
    }
}

impl Proof {
    /// As `client.conf` says it: the class of a plugin, and its parameters. A certificate comes with its key.
    pub(super) fn of_plugin(plugin: &str, parameters: &str) -> Result<(Proof, Option<Identity>)> {
        match plugin {
            "" | DISABLED => Ok((Proof::Nobody, None)),
            TOKEN | "token" => Ok((Proof::Token(token(parameters)?), None)),
            CERTIFICATE | "tls" => Ok((Proof::Certificate, identity(parameters)?)),
            other => bail!(
                "authPlugin is {other}, and only AuthenticationToken and AuthenticationTls (of org.apache.pulsar.client.impl.auth) \
                 are supported: give a client.conf with one of them"
            ),
        }
    }

    /// The method's name in Pulsar's protocol.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Proof::Nobody => "none",
            Proof::Token(_) => "token",
            Proof::Certificate => "tls",
        }
    }

    /// Who a broker takes this for. Brokers do not say that a token has expired.
    pub(super) fn owner(&self) -> String {
        match self {
            Proof::Nobody => "nobody (no token or certificate was given)".to_owned(),
            Proof::Certificate => "the owner of this certificate".to_owned(),
            Proof::Token(token) => match token.read().ok().and_then(|token| ended(&token, Utc::now())) {
                Some(end) => format!("the owner of this token, which has expired at {}", time::text(end)),
                None => "the owner of this token".to_owned(),
            },
        }
    }

    /// What goes with the method's name.
    pub(super) fn data(&self) -> Result<Vec<u8>> {
        match self {
            Proof::Token(token) => token.read(),
            Proof::Nobody | Proof::Certificate => Ok(Vec::new()),
        }
    }
}

/// When a JSON Web Token ended, if it did.
fn ended(token: &[u8], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let claims = token.split(|&byte| byte == b'.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    DateTime::from_timestamp(claims["exp"].as_i64()?, 0).filter(|end| *end <= now)
}

/// As `AuthenticationToken.configure` takes its parameters. No error tells any of them.
fn token(parameters: &str) -> Result<Token> {
    if let Some(token) = parameters.strip_prefix("token:") {
        return Ok(Token::Text(token.to_owned()));
    }
    if parameters.starts_with("file:") {
        return Ok(Token::File(path_of_url(parameters)?));
    }
    ensure!(!parameters.is_empty(), "authParams is empty: give file:///path/of/the/token");
    match serde_json::from_str::<Value>(parameters) {
        Ok(Value::Object(json)) => {
            let token = json.get("token").and_then(Value::as_str);
            Ok(Token::Text(token.context("authParams is JSON without the text `token`")?.to_owned()))
        }
        _ => Ok(Token::Text(parameters.to_owned())),
    }
}

/// As `AuthenticationTls.configure` takes its parameters; none when there are none.
fn identity(parameters: &str) -> Result<Option<Identity>> {
    if parameters.is_empty() {
        return Ok(None);
    }
    let json: Option<Value> = serde_json::from_str(parameters).ok().filter(Value::is_object);
    let of = |name: &str| match &json {
        Some(json) => json[name].as_str().map(PathBuf::from),
        None => {
            let pairs = parameters.split(',').filter_map(|pair| pair.split_once(':'));
            pairs.filter(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value)).next_back()
        }
    };
    let missing = |name| format!("authParams has no {name}: give tlsCertFile:/path,tlsKeyFile:/path");
    Ok(Some(Identity {
        certificate: of("tlsCertFile").with_context(|| missing("tlsCertFile"))?,
        key: of("tlsKeyFile").with_context(|| missing("tlsKeyFile"))?,
    }))
}

/// The path of a `file:` URL.
fn path_of_url(url: &str) -> Result<PathBuf> {
    let wrong = || "authParams begins with file: and names no file of this machine: give file:///path/of/the/token";
    let rest = url.strip_prefix("file:").with_context(wrong)?;
    let encoded = rest.strip_prefix("//").unwrap_or(rest);
    ensure!(encoded.starts_with('/'), wrong());
    let mut bytes = Vec::new();
    let mut left = encoded.bytes();
    while let Some(byte) = left.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [left.next(), left.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
        let [Some(high), Some(low)] = digits else { bail!(wrong()) };
        bytes.push((high * 16 + low) as u8);
    }
    Ok(Path::new(&String::from_utf8(bytes).ok().with_context(wrong)?).to_path_buf())
}

/// A proof as the pulsar crate asks for it. What the data begins with is for the [tunnel](super::tunnel).
pub(crate) struct Asked<G> {
    pub(crate) proof: Proof,
    pub(crate) begins_with: Vec<u8>,
    /// Ends with the client.
    pub(crate) _guard: G,
}

#[async_trait]
impl<G: Send + Sync + 'static> Authentication for Asked<G> {
    fn auth_method_name(&self) -> String {
        self.proof.method().to_owned()
    }

    async fn initialize(&mut self) -> Result<(), AuthenticationError> {
        Ok(())
    }

    async fn auth_data(&mut self) -> Result<Vec<u8>, AuthenticationError> {
        let data = self.proof.data().map_err(|error| AuthenticationError::Custom(format!("{error:#}")))?;
        Ok([&self.begins_with[..], &data].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(plugin: &str, parameters: &str) -> (Proof, Option<Identity>) {
        Proof::of_plugin(plugin, parameters).unwrap()
    }

    fn refused(plugin: &str, parameters: &str) -> String {
        format!("{:#}", Proof::of_plugin(plugin, parameters).unwrap_err())
    }

    #[test]
    fn a_token_is_a_text_a_file_or_json() {
        let text = |token: &str| (Proof::Token(Token::Text(token.to_owned())), None);
        assert_eq!(of(TOKEN, "token:a.b.c"), text("a.b.c"));
        assert_eq!(of("token", "a.b.c"), text("a.b.c"));
        assert_eq!(of(TOKEN, r#"{"token": "a.b.c"}"#), text("a.b.c"));
        for url in ["file:///etc/a%20token", "file:/etc/a%20token"] {
            assert_eq!(of(TOKEN, url).0, Proof::Token(Token::File("/etc/a token".into())));
        }
        assert_eq!(of("", "token:ignored").0, Proof::Nobody);
        for wrong in ["", r#"{"tokens": "secret"}"#, "file://host/secret", "file:secret", "file:///%zz"] {
            assert!(!refused(TOKEN, wrong).contains("secret"), "{wrong}");
        }
    }

    #[test]
    fn a_certificate_is_pairs_or_json_or_said_elsewhere() {
        let identity = Identity { certificate: "/c:1.pem".into(), key: "/k.pem".into() };
        let expected = (Proof::Certificate, Some(identity));
        assert_eq!(of(CERTIFICATE, "tlsCertFile:/c:1.pem,tlsKeyFile:/k.pem"), expected);
        assert_eq!(of("tls", r#"{"tlsCertFile":"/c:1.pem","tlsKeyFile":"/k.pem"}"#), expected);
        assert_eq!(of(CERTIFICATE, ""), (Proof::Certificate, None));
        assert!(refused(CERTIFICATE, "tlsCertFile:/c").contains("tlsKeyFile"));
        assert!(refused("org.example.Own", "").contains("org.example.Own"));
    }

    #[test]
    fn a_token_says_when_it_ended() {
        let token = |claims: &str| format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims)).into_bytes();
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        assert_eq!(ended(&token(r#"{"sub":"a","exp":100}"#), at(100)), Some(at(100)));
        assert_eq!(ended(&token(r#"{"sub":"a","exp":101}"#), at(100)), None);
        assert_eq!(ended(&token(r#"{"sub":"a"}"#), at(100)), None);
        for other in ["", "secret", "a.b.c", "..", "e30.!.a"] {
            assert_eq!(ended(other.as_bytes(), at(100)), None);
        }
    }

    #[test]
    fn a_token_is_read_anew_and_never_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let token = Token::File(file.path().to_path_buf());
        for secret in ["one", "two"] {
            std::fs::write(file.path(), format!("{secret}\n")).unwrap();
            assert_eq!(token.read().unwrap(), secret.as_bytes());
        }
        std::fs::write(file.path(), " \n").unwrap();
        assert!(token.read().unwrap_err().to_string().contains("is empty"));
        assert!(!format!("{:?}", Proof::Token(Token::Text("secret".to_owned()))).contains("secret"));
    }
}
