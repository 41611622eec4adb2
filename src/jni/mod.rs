//! The border to Java: the only unsafe code, and the only place where errors and panics become an exception.
//!
//! docs/understand/hand-over.md says what each method takes and returns.

#![allow(unsafe_code, reason = "JNI hands over raw pointers; each use says why it is sound")]

mod buffer;
mod heap;
pub(crate) mod log;
mod proof;
mod registry;

use std::any::Any;
use std::cell::RefCell;
use std::ffi::c_void;
use std::time::Duration;

use jni::errors::ErrorPolicy;
use jni::objects::{JByteArray, JByteBuffer, JClass, JString, JThrowable, JValue};
use jni::sys::{JNI_ERR, JNI_VERSION_1_8, jboolean, jint, jlong};
use jni::{Env, JavaVM, NativeMethod, jni_sig, jni_str, native_method};

use crate::error::{Error, ErrorKind, Result};
use crate::jni::buffer::DirectBuffer;
use crate::schema::writer::SchemaInfo;

const METHODS: &[NativeMethod] = &[
    native_method! { static fn register(methods: java.lang.Class), error_policy = Throw },
    native_method! { static fn open(settings: [jbyte]) -> jlong, error_policy = Throw },
    native_method! { static fn acknowledgement_delay(sink: jlong) -> jlong, error_policy = Throw },
    native_method! { static fn source_partition(sink: jlong, topic: [jbyte]) -> jint, error_policy = Throw },
    native_method! { static fn mark(sink: jlong, topic: [jbyte]) -> [jbyte], error_policy = Throw },
    native_method! { static fn announce_schema(sink: jlong) -> jint, error_policy = Throw },
    native_method! {
        static fn writer_schema(sink: jlong, id: jint, schema: [jbyte]), error_policy = Throw
    },
    native_method! {
        static fn hand_over(sink: jlong, number: jlong, records: java.nio.ByteBuffer, length: jint) -> jboolean,
        error_policy = Throw
    },
    native_method! { static fn answers(sink: jlong, room: java.nio.ByteBuffer) -> jint, error_policy = Throw },
    native_method! { static fn confirmed(sink: jlong, number: jlong), error_policy = Throw },
    native_method! { static fn left_out(sink: jlong, number: jlong), error_policy = Throw },
    native_method! { static fn metrics(sink: jlong) -> [jbyte], error_policy = Throw },
    native_method! { static fn logs(sink: jlong) -> [jbyte], error_policy = Throw },
    native_method! { static fn close(sink: jlong, timeout_millis: jlong) -> jboolean, error_policy = Throw },
];

/// Called by the JVM when the library is loaded: registers the native methods of the class whose loader loads it.
///
/// # Safety
///
/// For the JVM only, which passes itself.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn JNI_OnLoad(vm: *mut jni::sys::JavaVM, _reserved: *mut c_void) -> jint {
    // SAFETY: the JVM passes its own pointer, which is valid as long as it runs.
    let vm = unsafe { JavaVM::from_raw(vm) };
    std::panic::set_hook(Box::new(remember_panic));
    heap::give_back_large_buffers();
    let registered = vm.attach_current_thread(|env| -> jni::errors::Result<()> {
        let class = env.find_class(jni_str!("io/hdfscsv/pulsar/NativeMethods"))?;
        register_methods(env, &class)
    });
    if registered.is_ok() { JNI_VERSION_1_8 } else { JNI_ERR }
}

fn register_methods(env: &mut Env<'_>, class: &JClass<'_>) -> jni::errors::Result<()> {
    // SAFETY: `native_method!` checks each function's type against its signature, and all are static there.
    unsafe { env.register_native_methods(class, METHODS) }
}

thread_local! {
    /// Where and why this thread last panicked: the payload that reaches the policy has lost the place.
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

fn remember_panic(info: &std::panic::PanicHookInfo<'_>) {
    let text = info.to_string();
    tracing::error!("{text}\n{}", std::backtrace::Backtrace::force_capture());
    LAST_PANIC.with_borrow_mut(|last| *last = text);
}

/// An error on its way out: ours, or of a JNI call.
enum Failure {
    Ours(Error),
    Jni(jni::errors::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Ours(error)
    }
}

impl From<jni::errors::Error> for Failure {
    fn from(error: jni::errors::Error) -> Self {
        Failure::Jni(error)
    }
}

/// Makes each error and each panic an `HdfsCsvException` with a kind and a message.
struct Throw;

impl<T: Default> ErrorPolicy<T, Failure> for Throw {
    type Captures<'unowned_env_local: 'native_method, 'native_method> = ();

    fn on_error<'unowned_env_local: 'native_method, 'native_method>(
        env: &mut Env<'unowned_env_local>,
        _: &mut (),
        failure: Failure,
    ) -> jni::errors::Result<T> {
        match failure {
            // A Java exception is pending already: it goes on.
            Failure::Jni(jni::errors::Error::JavaException) => {}
            Failure::Jni(error) => throw(env, &Error::bug(format_args!("a JNI call failed: {error}"))),
            Failure::Ours(error) => throw(env, &error),
        }
        Ok(T::default())
    }

    fn on_panic<'unowned_env_local: 'native_method, 'native_method>(
        env: &mut Env<'unowned_env_local>,
        _: &mut (),
        _: Box<dyn Any + Send + 'static>,
    ) -> jni::errors::Result<T> {
        let what = LAST_PANIC.take();
        throw(env, &Error::bug(format_args!("the native library panicked: {what}")));
        Ok(T::default())
    }
}

/// Throws. When even that fails, the JVM has an exception pending that says why.
fn throw(env: &mut Env<'_>, error: &Error) {
    let thrown = (|| -> jni::errors::Result<()> {
        let kind = JString::from_str(env, error.kind.name())?;
        let message = JString::from_str(env, &error.message)?;
        let exception = env.new_object(
            jni_str!("io/hdfscsv/pulsar/HdfsCsvException"),
            jni_sig!((kind: JString, message: JString) -> void),
            &[JValue::Object(&kind), JValue::Object(&message)],
        )?;
        let exception = env.cast_local::<JThrowable>(exception)?;
        env.throw(exception)
    })();
    // `throw` answers with an error when it has thrown.
    if let Err(error) = thrown {
        tracing::debug!("threw: {error}");
    }
}

/// Registers the methods of another class loader's class: a second copy of this library would stay mapped, too.
fn register(env: &mut Env<'_>, _: JClass<'_>, methods: JClass<'_>) -> Result<(), Failure> {
    Ok(register_methods(env, &methods)?)
}

fn open(env: &mut Env<'_>, _: JClass<'_>, settings: JByteArray<'_>) -> Result<jlong, Failure> {
    let settings = env.convert_byte_array(&settings)?;
    let proof_class = proof::class(env)?;
    Ok(registry::open(&settings, proof_class)? as jlong)
}

fn acknowledgement_delay(_: &mut Env<'_>, _: JClass<'_>, sink: jlong) -> Result<jlong, Failure> {
    Ok(registry::get(sink as u64)?.acknowledgement_delay().as_millis() as jlong)
}

fn source_partition(env: &mut Env<'_>, _: JClass<'_>, sink: jlong, topic: JByteArray<'_>) -> Result<jint, Failure> {
    let topic = topic_name(env, &topic)?;
    Ok(registry::get(sink as u64)?.source_partition(&topic)? as jint)
}

fn topic_name(env: &Env<'_>, topic: &JByteArray<'_>) -> Result<String, Failure> {
    let not_utf_8 = |error| Error::bug(format_args!("a topic name is not UTF-8: {error}"));
    Ok(String::from_utf8(env.convert_byte_array(topic)?).map_err(not_utf_8)?)
}

fn mark<'local>(
    env: &mut Env<'local>,
    _: JClass<'local>,
    sink: jlong,
    topic: JByteArray<'local>,
) -> Result<JByteArray<'local>, Failure> {
    let topic = topic_name(env, &topic)?;
    let Some(mark) = registry::get(sink as u64)?.mark(&topic)? else { return Ok(JByteArray::null()) };
    let json = serde_json::to_vec(&(mark.ledger, mark.entry, mark.batch_index)).map_err(Error::bug)?;
    Ok(env.byte_array_from_slice(&json)?)
}

fn announce_schema(_: &mut Env<'_>, _: JClass<'_>, sink: jlong) -> Result<jint, Failure> {
    Ok(registry::get(sink as u64)?.announce_schema()? as jint)
}

fn writer_schema(
    env: &mut Env<'_>,
    _: JClass<'_>,
    sink: jlong,
    id: jint,
    schema: JByteArray<'_>,
) -> Result<(), Failure> {
    let info: SchemaInfo = serde_json::from_slice(&env.convert_byte_array(&schema)?)
        .map_err(|error| Error::bug(format_args!("a writer's schema cannot be read: {error}")))?;
    Ok(registry::get(sink as u64)?.writer_schema(id as u32, &info)?)
}

fn hand_over(
    env: &mut Env<'_>,
    _: JClass<'_>,
    sink: jlong,
    number: jlong,
    records: JByteBuffer<'_>,
    length: jint,
) -> Result<jboolean, Failure> {
    let sink = registry::get(sink as u64)?;
    let bytes = direct_buffer(env, &records)?.read(length)?;
    Ok(sink.hand_over(number as u64, bytes)?)
}

fn answers(env: &mut Env<'_>, _: JClass<'_>, sink: jlong, room: JByteBuffer<'_>) -> Result<jint, Failure> {
    let sink = registry::get(sink as u64)?;
    let room = direct_buffer(env, &room)?.write();
    let count = |bytes: usize| jint::try_from(bytes).map_err(|_| Error::bug("an answer is larger than 2 GiB"));
    Ok(match sink.answers(room)? {
        Ok(written) => count(written)?,
        Err(needed) => -count(needed)?,
    })
}

fn direct_buffer<'b>(env: &Env<'_>, buffer: &'b JByteBuffer<'_>) -> Result<DirectBuffer<'b>, Failure> {
    let (address, capacity) = (env.get_direct_buffer_address(buffer)?, env.get_direct_buffer_capacity(buffer)?);
    // SAFETY: the JVM says that so many bytes are at this address, and it makes direct buffers of zeros. The reference keeps the
    // buffer alive until the call returns, and until then Java does not touch it: docs/understand/hand-over.md.
    Ok(unsafe { DirectBuffer::new(address, capacity) })
}

fn confirmed(_: &mut Env<'_>, _: JClass<'_>, sink: jlong, number: jlong) -> Result<(), Failure> {
    registry::get(sink as u64)?.confirmed(number as u64);
    Ok(())
}

fn left_out(_: &mut Env<'_>, _: JClass<'_>, sink: jlong, number: jlong) -> Result<(), Failure> {
    registry::get(sink as u64)?.left_out(number as u64);
    Ok(())
}

fn metrics<'local>(env: &mut Env<'local>, _: JClass<'local>, sink: jlong) -> Result<JByteArray<'local>, Failure> {
    let metrics = registry::get(sink as u64)?.metrics();
    let json = serde_json::to_vec(&metrics).map_err(Error::bug)?;
    Ok(env.byte_array_from_slice(&json)?)
}

fn logs<'local>(env: &mut Env<'local>, _: JClass<'local>, sink: jlong) -> Result<JByteArray<'local>, Failure> {
    let lines = crate::jni::log::take(sink as u64);
    if lines.is_empty() {
        return Ok(JByteArray::null());
    }
    let json = serde_json::to_vec(&lines).map_err(Error::bug)?;
    Ok(env.byte_array_from_slice(&json)?)
}

fn close(_: &mut Env<'_>, _: JClass<'_>, sink: jlong, timeout_millis: jlong) -> Result<jboolean, Failure> {
    let limit = Duration::from_millis(u64::try_from(timeout_millis).unwrap_or(0));
    Ok(registry::close(sink as u64, limit)?)
}

impl Error {
    fn closed(sink: u64) -> Self {
        Error::new(ErrorKind::Closed, format_args!("there is no sink {sink}: it was closed"))
    }
}
