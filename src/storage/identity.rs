//! Who a client is to HDFS. What can be wrong with it is looked at before HDFS is asked: of most of it GSSAPI says
//! `No credentials cache found` and no more.

use hdfs_native::{ClientBuilder, HdfsError};

use crate::storage::hadoop::{AUTHENTICATION, HadoopSettings};
use crate::storage::keytab;

/// The part of a principal's name that stands for the machine's, as in Hadoop's own settings.
const HOST: &str = "_HOST";

/// Who a client is to HDFS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// Who the process is: with Kerberos the owner of its ticket cache, else `HADOOP_USER_NAME` or the process's user.
    #[default]
    Process,
    /// This user, without Kerberos.
    User(String),
    /// This principal, which has a ticket in the process's ticket cache.
    Cache(String),
    /// This principal, whose key is in this keytab.
    Keytab {
        /// `name@REALM` or `name/host@REALM`; `_HOST` is the machine's name.
        principal: String,
        /// A local file's path.
        path: String,
    },
}

impl Identity {
    /// What the keys for it mean together; an error is the key that is wrong, and how.
    pub fn of(
        principal: Option<String>,
        keytab: Option<String>,
        user: Option<String>,
    ) -> Result<Self, (&'static str, &'static str)> {
        match (principal, keytab, user) {
            (None, None, None) => Ok(Identity::Process),
            (None, None, Some(user)) => Ok(Identity::User(user)),
            (Some(principal), None, None) => Ok(Identity::Cache(principal)),
            (Some(principal), Some(path), None) => Ok(Identity::Keytab { principal, path }),
            (None, Some(_), _) => Err(("kerberosKeytab", "whose key it has must be said with kerberosPrincipal")),
            (Some(_), _, Some(_)) => Err(("hdfsUser", "kerberosPrincipal says already who writes")),
        }
    }

    /// The user that HDFS sees, as far as it is known here: of a principal the first part of its name.
    pub(crate) fn user(&self) -> String {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match self {
            Identity::Process => {
                variable("HADOOP_USER_NAME").or_else(|| variable("USER")).unwrap_or_else(|| "hdfs-csv".to_owned())
            }
            Identity::User(user) => user.clone(),
            Identity::Cache(principal) | Identity::Keytab { principal, .. } => {
                principal.split(['/', '@']).next().unwrap_or_default().to_owned()
            }
        }
    }

    /// Itself, with the machine's name in it, once it is found to fit these settings.
    ///
    /// # Errors
    /// In words: the settings want another kind, or the keytab cannot be used.
    pub(super) fn checked(&self, hadoop: &HadoopSettings) -> Result<Self, String> {
        let (kerberos, place) = (is_secured(hadoop)?, hadoop.place());
        match self {
            Identity::Process => Ok(self.clone()),
            Identity::User(_) if kerberos => Err(format!(
                "hdfsUser is for HDFS without Kerberos, and {AUTHENTICATION} in {place} is kerberos; set kerberosPrincipal and \
                 kerberosKeytab instead"
            )),
            Identity::User(_) => Ok(self.clone()),
            Identity::Cache(_) | Identity::Keytab { .. } if !kerberos => Err(format!(
                "kerberosPrincipal is set, and {AUTHENTICATION} in {place} is not kerberos; set it there, as in the folder of the \
                 cluster's own clients, or remove kerberosPrincipal"
            )),
            Identity::Cache(principal) => Ok(Identity::Cache(with_host(principal, &host_name()?, &[]))),
            Identity::Keytab { principal, path } => {
                let keys = keytab::principals(path)?;
                let host = if principal.contains(HOST) { host_name()? } else { String::new() };
                let principal = with_host(principal, &host, &keys);
                if keys.iter().any(|key| is_named(key, &principal)) {
                    return Ok(Identity::Keytab { principal, path: path.clone() });
                }
                Err(format!(
                    "the keytab {path} has no key of {principal} (kerberosPrincipal); its keys are of: {}",
                    one_of_each(keys).join(", ")
                ))
            }
        }
    }

    /// Makes a client's builder build clients that are this.
    pub(super) fn given_to(&self, builder: ClientBuilder) -> ClientBuilder {
        match self {
            Identity::Process => builder,
            Identity::User(user) => builder.with_user(user),
            Identity::Cache(principal) => builder.with_kerberos_principal(principal),
            Identity::Keytab { principal, path } => {
                builder.with_kerberos_principal(principal).with_kerberos_keytab(path)
            }
        }
    }
}

/// Whether clients with these settings prove who they are with Kerberos.
///
/// # Errors
/// In words, when they are to do something else.
pub(super) fn is_secured(hadoop: &HadoopSettings) -> Result<bool, String> {
    match hadoop.get(AUTHENTICATION)?.unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "simple" => Ok(false),
        "kerberos" => Ok(true),
        other => Err(format!(
            "{AUTHENTICATION} in {} is `{other}`, and only simple and kerberos are supported",
            hadoop.place()
        )),
    }
}

/// The machine's name in the place of `_HOST`. A short name is completed as a keytab that has such a principal spells it.
fn with_host(principal: &str, host: &str, keys: &[String]) -> String {
    let (name, realm) = principal.split_once('@').map_or((principal, None), |(name, realm)| (name, Some(realm)));
    let Some((first, HOST)) = name.split_once('/') else { return principal.to_owned() };
    let whole = |host: &str| match realm {
        Some(realm) => format!("{first}/{host}@{realm}"),
        None => format!("{first}/{host}"),
    };
    // A name with a domain is the first part of none.
    let spelt = keys.iter().find_map(|key| {
        let (_, rest) = key.split_once('/')?;
        let full = rest.split('@').next()?;
        let is_it = full.split('.').next()?.eq_ignore_ascii_case(host) && is_named(key, &whole(full));
        is_it.then(|| full.to_owned())
    });
    whole(spelt.as_deref().unwrap_or(host))
}

/// Whether a key is of this principal, in any realm where it names none: the default one is krb5.conf's to know.
fn is_named(key: &str, principal: &str) -> bool {
    key == principal || (!principal.contains('@') && key.split('@').next() == Some(principal))
}

/// A principal has a key of each kind of encryption.
fn one_of_each(mut keys: Vec<String>) -> Vec<String> {
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The machine's name, in lower case as in principals.
fn host_name() -> Result<String, String> {
    let path = "/proc/sys/kernel/hostname";
    let name = std::fs::read_to_string(path).map_err(|error| {
        format!("{path}, the machine's name for {HOST} in kerberosPrincipal, cannot be read: {error}")
    })?;
    Ok(name.trim().to_ascii_lowercase())
}

const NO_TICKET: &str = "there is no ticket; run kinit as the user of this process, or use kerberosKeytab";
/// What can be wrong with the proof of who a client is: a part of what GSSAPI (MIT 1.20) or hdfs-native (0.14.8) says, and what
/// it means.
const REFUSALS: [(&str, &str); 13] = [
    ("Client's credentials have been revoked", "the KDC has locked the principal"),
    (
        "Server not found in Kerberos database",
        "the KDC does not know the principal of the NameNode, or of the key server (HTTP/host): is it of this realm?",
    ),
    (" not found in Kerberos database", "the KDC does not know the principal; correct kerberosPrincipal"),
    ("Preauthentication failed", "the keytab's key is not the principal's key any more; export the keytab again"),
    ("Decrypt integrity check failed", "a key is not the one that the KDC has any more; export the keytab again"),
    ("Clock skew too great", "this machine's clock and the KDC's are too far apart; correct them"),
    (
        "Cannot find KDC for realm",
        "krb5.conf, which KRB5_CONFIG names where it is not /etc/krb5.conf, has no KDC of the realm",
    ),
    ("Cannot contact any KDC for realm", "no KDC of the realm answers; those of krb5.conf are tried"),
    ("Ticket expired", "the ticket has expired; something has to renew the ticket cache, or use kerberosKeytab"),
    ("No credentials cache found", NO_TICKET),
    ("No Kerberos credentials available", NO_TICKET),
    ("Can't find client principal", NO_TICKET),
    (
        "Failed to load libgssapi_krb",
        "libgssapi_krb5.so.2 cannot be loaded; install it where the sink runs, as libgssapi-krb5-2 (Debian) or krb5-libs (Red Hat)",
    ),
];

/// What an error says of who the client is, in words; none when it is about something else.
pub(super) fn refusal(error: &HdfsError) -> Option<String> {
    let said = match error {
        HdfsError::GSSAPIError(_, _, said) | HdfsError::SASLError(said) => said.as_str(),
        HdfsError::OperationFailed(said) if said.contains("libgssapi_krb") => said,
        HdfsError::NoSASLMechanism => "the NameNode names no kind of proof that this client has",
        _ => return None,
    };
    let known = REFUSALS.iter().find(|(part, _)| said.contains(part)).map(|(_, meaning)| meaning);
    Some(match known {
        Some(meaning) => format!("Kerberos: {meaning} ({said})"),
        None => format!("Kerberos: {said}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::hadoop::tests::{property, settings};
    use crate::storage::keytab::tests::keytab;

    const ALICE: &str = "alice@EXAMPLE.COM";

    fn secured() -> HadoopSettings {
        settings(&property(AUTHENTICATION, " Kerberos "))
    }

    fn with_keytab(principal: &str, path: &str) -> Identity {
        Identity::Keytab { principal: principal.to_owned(), path: path.to_owned() }
    }

    #[test]
    fn what_does_not_fit_the_folder_is_refused_by_the_keys_that_are_to_change() {
        for (identity, hadoop, says) in [
            (
                Identity::Cache(ALICE.to_owned()),
                settings(""),
                "kerberosPrincipal is set, and hadoop.security.authentication",
            ),
            (with_keytab(ALICE, "/k"), settings(&property(AUTHENTICATION, "simple")), "is not kerberos; set it there"),
            (Identity::User("a".to_owned()), secured(), "hdfsUser is for HDFS without Kerberos"),
            (Identity::Process, settings(&property(AUTHENTICATION, "token")), "only simple and kerberos are supported"),
        ] {
            let error = identity.checked(&hadoop).and_then(|_| is_secured(&hadoop).map(drop)).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        for (identity, hadoop) in [
            (Identity::Process, settings("")),
            (Identity::Process, secured()),
            (Identity::User("a".to_owned()), settings("")),
            (Identity::Cache(ALICE.to_owned()), secured()),
        ] {
            assert_eq!(identity.checked(&hadoop), Ok(identity));
        }
    }

    #[test]
    fn a_keytab_that_cannot_be_used_is_told_before_anyone_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("text"), "no keytab").unwrap();
        std::fs::write(path("keytab"), keytab(&["bob@EXAMPLE.COM", "bob@EXAMPLE.COM"])).unwrap();
        for (file, says) in [
            ("missing", "does not exist where the sink runs"),
            ("text", "is no keytab, or is cut off"),
            ("keytab", "has no key of alice@EXAMPLE.COM (kerberosPrincipal); its keys are of: bob@EXAMPLE.COM"),
        ] {
            let error = with_keytab(ALICE, &path(file)).checked(&secured()).unwrap_err();
            assert!(error.contains(says) && error.contains(&path(file)), "{error}");
        }
        for principal in ["bob@EXAMPLE.COM", "bob"] {
            let identity = with_keytab(principal, &path("keytab"));
            assert_eq!(identity.checked(&secured()), Ok(identity));
        }
        assert!(with_keytab("bob@OTHER", &path("keytab")).checked(&secured()).is_err());
    }

    #[test]
    fn the_machines_name_stands_for_host_and_a_keytab_completes_it() {
        let keys =
            ["etl/worker-1.example.com@A", "etl/worker-2.example.com@A", "etl/worker-1.other@B"].map(str::to_owned);
        for (principal, host, expected) in [
            ("etl/_HOST@A", "worker-1.example.com", "etl/worker-1.example.com@A"),
            ("etl/_HOST@A", "worker-2", "etl/worker-2.example.com@A"),
            ("etl/_HOST@B", "worker-1", "etl/worker-1.other@B"),
            ("etl/_HOST", "worker-2", "etl/worker-2.example.com"),
            ("etl/_HOST@A", "unknown", "etl/unknown@A"),
            ("etl/a_HOST@A", "worker-1", "etl/a_HOST@A"),
            ("_HOST@A", "worker-1", "_HOST@A"),
        ] {
            assert_eq!(with_host(principal, host, &keys), expected, "{principal} on {host}");
        }
    }

    #[test]
    fn the_user_is_the_first_part_of_a_principal() {
        assert_eq!(with_keytab("etl/worker@A", "/k").user(), "etl");
        assert_eq!(Identity::Cache(ALICE.to_owned()).user(), "alice");
        assert_eq!(Identity::User("bob".to_owned()).user(), "bob");
    }

    #[test]
    fn each_thing_that_gssapi_says_has_its_meaning_and_other_errors_have_none() {
        let said = HdfsError::SASLError("Client 'alice@A' not found in Kerberos database".to_owned());
        assert!(refusal(&said).unwrap().starts_with("Kerberos: the KDC does not know the principal; correct"));
        let server = HdfsError::SASLError("Server not found in Kerberos database".to_owned());
        assert!(refusal(&server).unwrap().contains("the principal of the NameNode"));
        let library = HdfsError::OperationFailed("Failed to load libgssapi_krb".to_owned());
        assert!(refusal(&library).unwrap().contains("install it where the sink runs"));
        assert!(refusal(&HdfsError::NoSASLMechanism).is_some());
        assert_eq!(refusal(&HdfsError::OperationFailed("Failed to complete file in time".to_owned())), None);
    }
}
