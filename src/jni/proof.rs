//! Java's Kerberos, for the connections to Hive's metastore: `KerberosProof.java`. It works wherever the JVM does, also where no
//! Kerberos library is installed.

use std::sync::Arc;

use jni::errors::Error as JniError;
use jni::objects::{JByteArray, JClass, JObject, JString, JValue};
use jni::refs::Global;
use jni::{Env, JavaVM, jni_sig, jni_str};

use crate::hive::sasl::{BeginProof, Proof};
use crate::storage::hdfs::Identity;

/// `KerberosProof`, which threads of this library could not find: they have the JVM's own class loader. Each sink holds it for
/// itself, so that the loader can go when the last sink has.
pub(super) type ProofClass = Global<JClass<'static>>;

/// Looks for the class, with the class loader of the Java method that called.
pub(super) fn class(env: &mut Env<'_>) -> Result<ProofClass, JniError> {
    let class = env.find_class(jni_str!("io/hdfscsv/pulsar/KerberosProof"))?;
    env.new_global_ref(class)
}

/// Proofs of who this is, to a service of this principal: `service/host@REALM`, in which `_HOST` is the host that is connected to.
pub(super) fn proofs(class: ProofClass, identity: &Identity, service: &str) -> BeginProof {
    let (principal, keytab) = match identity {
        Identity::Process | Identity::User(_) => (String::new(), String::new()),
        Identity::Cache(principal) => (principal.clone(), String::new()),
        Identity::Keytab { principal, path } => (principal.clone(), path.clone()),
    };
    let name = service.split('@').next().unwrap_or_default();
    let (service, instance) = name.split_once('/').unwrap_or((name, "_HOST"));
    let (service, instance) = (service.to_owned(), instance.to_owned());
    Arc::new(move |host| {
        let host = if instance == "_HOST" { host.to_lowercase() } else { instance.clone() };
        JavaProof::begin(&class, [&principal, &keytab, &service, &host]).map(|proof| Box::new(proof) as Box<dyn Proof>)
    })
}

/// A `KerberosProof`.
struct JavaProof(Global<JObject<'static>>);

impl JavaProof {
    fn begin(class: &ProofClass, arguments: [&str; 4]) -> Result<JavaProof, String> {
        in_java(|env| {
            let [principal, keytab, service, host] = arguments.map(|text| JString::from_str(env, text));
            let (principal, keytab, service, host) = (principal?, keytab?, service?, host?);
            let proof = env.call_static_method(
                class,
                jni_str!("begin"),
                jni_sig!(
                    (principal: JString, keytab: JString, service: JString, host: JString)
                        -> io.hdfscsv.pulsar.KerberosProof
                ),
                &[JValue::Object(&principal), JValue::Object(&keytab), JValue::Object(&service), JValue::Object(&host)],
            )?;
            Ok(JavaProof(env.new_global_ref(proof.l()?)?))
        })
    }

    fn bytes(&self, method: &'static jni::strings::JNIStr, given: &[u8]) -> Result<Vec<u8>, String> {
        in_java(|env| {
            let given = env.byte_array_from_slice(given)?;
            let signature = jni_sig!((given: [jbyte]) -> [jbyte]);
            let answer = env.call_method(&self.0, method, signature, &[JValue::Object(&given)])?.l()?;
            let answer = env.cast_local::<JByteArray<'_>>(answer)?;
            env.convert_byte_array(&answer)
        })
    }

    fn is(&self, method: &'static jni::strings::JNIStr) -> Result<bool, String> {
        in_java(|env| env.call_method(&self.0, method, jni_sig!(() -> jboolean), &[])?.z())
    }
}

impl Drop for JavaProof {
    fn drop(&mut self) {
        let proof = std::mem::take(&mut self.0);
        // A thread that the JVM does not know cannot let go of it.
        let _ = in_java(|_| {
            drop(proof);
            Ok(())
        });
    }
}

impl Proof for JavaProof {
    fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, String> {
        self.bytes(jni_str!("answer"), challenge)
    }

    fn is_complete(&self) -> Result<bool, String> {
        self.is(jni_str!("isComplete"))
    }

    fn is_wrapping(&self) -> Result<bool, String> {
        self.is(jni_str!("isWrapping"))
    }

    fn wrap(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        self.bytes(jni_str!("wrap"), bytes)
    }

    fn unwrap(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        self.bytes(jni_str!("unwrap"), bytes)
    }
}

/// Does something in Java; an exception's message is the error. A thread that stayed known to the JVM would keep it from ending.
fn in_java<T>(work: impl FnOnce(&mut Env<'_>) -> Result<T, JniError>) -> Result<T, String> {
    let done = JavaVM::singleton().and_then(|vm| vm.attach_current_thread_for_scope(work));
    done.map_err(|error| match error {
        JniError::CaughtJavaException { msg, .. } => msg,
        other => other.to_string(),
    })
}
