//! A Kerberos KDC: MIT's, from Debian's packages, with a realm of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::debian;
use crate::error::{Error, Result};
use crate::files::{self, Settings, settings};
use crate::folder::Folder;
use crate::hadoop;
use crate::process::{Plan, READY_LIMIT, Service, run};

const PACKAGES: [&str; 4] = ["krb5-kdc", "krb5-admin-server", "krb5-user", "libfaketime"];
/// What the names of those begin with that they need.
const NEEDS: [&str; 10] = [
    "libkrb5",
    "libk5crypto",
    "libgss",
    "libkdb5",
    "libkadm5",
    "libcom-err",
    "libss2",
    "libkeyutils",
    "libverto",
    "libev",
];
/// The NameNode, which is also the superuser.
pub(crate) const NAME_NODE: &str = "nn/localhost";
/// The realm.
const REALM: &str = "STACK";
/// Tickets of services last so long; those of others as long as they are made for.
const LONGEST: &str = "1 day";
const LIMIT: Duration = Duration::from_secs(60);

/// The KDC of a stack.
pub struct Kdc {
    service: Service,
    programs: Programs,
    /// Its configuration, and everybody's keytabs.
    conf: PathBuf,
}

super::operate::operate!(Kdc);

/// The programs, and how they are run.
#[derive(Clone)]
struct Programs {
    root: PathBuf,
    libraries: PathBuf,
    environment: Settings,
    /// What a KDC's own programs read besides.
    profile: PathBuf,
}

impl Kdc {
    /// Starts a KDC that knows nobody yet.
    pub(crate) fn start_new(folder: &Folder) -> Result<Self> {
        let (conf, port) = (folder.conf().join("kdc"), folder.port()?);
        let data = hadoop::storage(folder, "kdc")?;
        files::folder(&conf)?;
        let programs = Programs::fetched(&conf)?;
        files::write(&conf.join("krb5.conf"), &krb5_conf(port))?;
        files::write(&programs.profile, &kdc_conf(port, &data, &programs))?;
        run(programs.command("sbin/kdb5_util", &["create", "-s", "-r", REALM, "-P", "of-a-test"]), LIMIT)?;
        let started = programs.clone();
        let service = Service::new(Plan {
            name: "KDC".to_owned(),
            log: folder.logs().join("kdc.log"),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command: Box::new(move || started.command("sbin/krb5kdc", &["-n", "-r", REALM])),
            ready: Box::new(move || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()),
        })?;
        let kdc = Self { service, programs, conf };
        kdc.start()?;
        Ok(kdc)
    }

    /// A principal's whole name: `name@REALM`.
    pub fn principal(&self, name: &str) -> String {
        format!("{name}@{REALM}")
    }

    /// The superuser's whole name.
    pub fn superuser(&self) -> String {
        self.principal(NAME_NODE)
    }

    /// The keytab with the superuser's key.
    pub fn superusers_keytab(&self) -> PathBuf {
        self.keytab(NAME_NODE)
    }

    /// Makes a principal whose tickets last so long, as `2 minutes`, and returns the keytab with its key.
    pub fn add(&self, name: &str, lifetime: &str) -> Result<PathBuf> {
        self.admin(&format!("addprinc -randkey +requires_preauth -maxlife \"{lifetime}\" {name}"))?;
        let path = self.keytab(name);
        let said = self.admin(&format!("ktadd -norandkey -k {} {name}", path.display()))?;
        if path.is_file() { Ok(path) } else { Err(Error::Missing(format!("keytab of {name}: {said}"))) }
    }

    fn keytab(&self, name: &str) -> PathBuf {
        self.conf.join(format!("{}.keytab", name.replace('/', "-")))
    }

    /// Makes a principal that is a service of the stack.
    pub(crate) fn add_service(&self, name: &str) -> Result<PathBuf> {
        self.add(name, LONGEST)
    }

    /// Runs one command of `kadmin.local`, as `cpw -randkey NAME`, and returns what it printed.
    pub fn admin(&self, command: &str) -> Result<String> {
        run(self.programs.command("sbin/kadmin.local", &["-r", REALM, "-q", command]), LIMIT)
    }

    /// One of its programs, or of its clients', as `kinit`: give it arguments and run it.
    pub fn program(&self, name: &str) -> Command {
        let folder = if name == "kadmin.local" { "sbin" } else { "bin" };
        self.programs.command(&format!("{folder}/{name}"), &[])
    }

    /// How many tickets it has given to a principal for its key, by its log.
    pub fn logins(&self, name: &str) -> Result<usize> {
        let log = fs::read_to_string(self.log()).map_err(Error::io(self.log().display()))?;
        let is_login = |line: &&str| line.contains("AS_REQ") && line.contains(&format!(" {name}@{REALM} for "));
        Ok(log.lines().filter(is_login).filter(|line| line.contains("ISSUE")).count())
    }

    /// Gets a ticket for a principal and puts it into a new ticket cache, which is a file.
    pub fn ticket(&self, name: &str, keytab: &Path, cache: &Path) -> Result<()> {
        let mut kinit = self.programs.command("bin/kinit", &["-t"]);
        kinit.arg(keytab).arg("-c").arg(cache).args(["-k", name]);
        run(kinit, LIMIT).map(drop)
    }

    /// What a client's process needs in its environment: where the KDC is, and the Kerberos libraries.
    pub fn environment(&self) -> &Settings {
        &self.programs.environment
    }

    /// A client's `krb5.conf`.
    pub fn krb5_conf(&self) -> PathBuf {
        self.conf.join("krb5.conf")
    }

    /// A library that shifts the clock of a process that is started with it (`LD_PRELOAD`) by `FAKETIME`.
    pub fn clock_shifter(&self) -> PathBuf {
        self.programs.libraries.join("faketime/libfaketime.so.1")
    }
}

impl Programs {
    fn fetched(conf: &Path) -> Result<Self> {
        let root = debian::unpacked("kerberos", &PACKAGES, &NEEDS)?;
        let lib = root.join("usr/lib");
        let entries = fs::read_dir(&lib).map_err(Error::io(lib.display()))?;
        let mut folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
        // In a folder that is named after the processor.
        let libraries = folders.find(|folder| folder.join("libgssapi_krb5.so.2").exists());
        let libraries = libraries.ok_or_else(|| Error::Missing(format!("Kerberos in {}", lib.display())))?;
        let other = root.join("lib").join(libraries.file_name().unwrap_or_default());
        let environment = settings([
            ("KRB5_CONFIG", conf.join("krb5.conf").display().to_string()),
            ("LD_LIBRARY_PATH", format!("{}:{}", libraries.display(), other.display())),
        ]);
        Ok(Self { root, libraries, environment, profile: conf.join("kdc.conf") })
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.root.join("usr").join(program));
        command.args(arguments).envs(&self.environment).env("KRB5_KDC_PROFILE", &self.profile);
        command
    }
}

/// Nothing is asked of name servers, and all is sent over TCP.
fn krb5_conf(port: u16) -> String {
    format!(
        "[libdefaults]\n  default_realm = {REALM}\n  dns_lookup_kdc = false\n  dns_lookup_realm = false\n  rdns = false\n  \
         dns_canonicalize_hostname = false\n  udp_preference_limit = 1\n[realms]\n  {REALM} = {{\n    kdc = 127.0.0.1:{port}\n  }}\n"
    )
}

fn kdc_conf(port: u16, data: &Path, programs: &Programs) -> String {
    let (data, libraries) = (data.display(), programs.libraries.display());
    format!(
        "[kdcdefaults]\n  kdc_listen = 127.0.0.1:{port}\n  kdc_tcp_listen = 127.0.0.1:{port}\n[realms]\n  {REALM} = {{\n    \
         database_name = {data}/principal\n    key_stash_file = {data}/stash\n    acl_file = {data}/acl\n    max_life = {LONGEST}\n    \
         supported_enctypes = aes256-cts-hmac-sha1-96:normal\n  }}\n[dbmodules]\n  db_module_dir = {libraries}/krb5/plugins/kdb\n\
         [logging]\n  kdc = STDERR\n"
    )
}
