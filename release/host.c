/* Loads the connector's native library as a JVM does, and drives it through its JNI methods, where no JVM is to be had.
 *
 *   host LIBRARY open SETTINGS                     prints "open", or the kind and the message of the exception
 *   host LIBRARY write SETTINGS TOPIC SCHEMA FILE  hands over the records in FILE, and prints "committed" when they are
 *
 * docs/understand/hand-over.md defines the methods and what they take. Objects are never freed: the process ends soon.
 */

#include <dlfcn.h>
#include <jni.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define METHODS_CLASS "io/hdfscsv/pulsar/NativeMethods"
#define EXCEPTION_CLASS "io/hdfscsv/pulsar/HdfsCsvException"
#define LIMIT_SECONDS 120

/* What is behind each reference: a class by its name, a string or an array by its bytes, a buffer by its room. */
typedef struct {
    const char *class_name;
    char *bytes;
    jsize length;
    /* The exception's kind; its message is in `bytes`. */
    char *kind;
} Object;

static JNINativeMethod methods[64];
static int method_count;
static Object *pending;

static void fail(const char *what, const char *which) {
    fprintf(stderr, "host: %s%s\n", what, which);
    exit(1);
}

static jobject object(const char *class_name, const void *bytes, size_t length) {
    Object *made = calloc(1, sizeof *made);
    char *copy = calloc(1, length + 1);
    if (!made || !copy) fail("no memory", "");
    if (bytes) memcpy(copy, bytes, length);
    *made = (Object){class_name, copy, (jsize)length, NULL};
    return (jobject)made;
}

static Object *of(jobject reference) {
    if (!reference) fail("the library uses a null reference", "");
    return (Object *)reference;
}

/* --- The functions of the JVM that the library calls. --- */

static jint get_version(JNIEnv *env) { return JNI_VERSION_10; }

static jclass find_class(JNIEnv *env, const char *name) {
    return (jclass)object("java/lang/Class", name, strlen(name));
}

static jint register_natives(JNIEnv *env, jclass class, const JNINativeMethod *given, jint count) {
    if (strcmp(of(class)->bytes, METHODS_CLASS) != 0) fail("methods are registered of ", of(class)->bytes);
    if (count < 0 || count > (jint)(sizeof methods / sizeof *methods)) fail("too many methods are registered", "");
    for (method_count = 0; method_count < count; method_count++) {
        methods[method_count].name = strdup(given[method_count].name);
        methods[method_count].signature = strdup(given[method_count].signature);
        methods[method_count].fnPtr = given[method_count].fnPtr;
    }
    return JNI_OK;
}

static jboolean exception_check(JNIEnv *env) { return pending != NULL; }
static jthrowable exception_occurred(JNIEnv *env) { return (jthrowable)pending; }
static void exception_clear(JNIEnv *env) { pending = NULL; }

static jint throw_it(JNIEnv *env, jthrowable exception) {
    pending = of(exception);
    return JNI_OK;
}

static jobject same(JNIEnv *env, jobject reference) { return reference; }
static void release(JNIEnv *env, jobject reference) {}
static jint push_frame(JNIEnv *env, jint capacity) { return JNI_OK; }
static jobject pop_frame(JNIEnv *env, jobject result) { return result; }

static jboolean is_instance(JNIEnv *env, jobject reference, jclass class) {
    const char *name = of(class)->bytes, *own = of(reference)->class_name;
    int is_throwable = strcmp(own, EXCEPTION_CLASS) == 0 && strcmp(name, "java/lang/Throwable") == 0;
    return is_throwable || strcmp(own, name) == 0;
}

static jstring new_string(JNIEnv *env, const char *text) {
    return (jstring)object("java/lang/String", text, strlen(text));
}

/* The library asks at once for every method that it may call. */
static jmethodID get_method(JNIEnv *env, jclass class, const char *name, const char *signature) {
    return (jmethodID)object("a method", name, strlen(name));
}

/* A thread of a C program has no class loader of its own. */
static jobject call_method(JNIEnv *env, jobject receiver, jmethodID method, const jvalue *arguments) {
    const char *name = of((jobject)method)->bytes;
    if (strcmp(name, "getContextClassLoader") != 0) fail("the library calls ", name);
    return NULL;
}

static jobject call_static_method(JNIEnv *env, jclass class, jmethodID method, const jvalue *arguments) {
    const char *name = of((jobject)method)->bytes;
    if (strcmp(name, "currentThread") == 0) return object("java/lang/Thread", NULL, 0);
    if (strcmp(name, "forName") != 0) fail("the library calls ", name);
    jobject found = find_class(env, of(arguments[0].l)->bytes);
    for (char *letter = of(found)->bytes; *letter; letter++)
        if (*letter == '.') *letter = '/';
    return found;
}

static jobject new_exception(JNIEnv *env, jclass class, jmethodID constructor, const jvalue *arguments) {
    if (strcmp(of(class)->bytes, EXCEPTION_CLASS) != 0) fail("the library makes an object of ", of(class)->bytes);
    Object *message = of(arguments[1].l);
    Object *made = of(object(EXCEPTION_CLASS, message->bytes, (size_t)message->length));
    made->kind = of(arguments[0].l)->bytes;
    return (jobject)made;
}

static jsize get_length(JNIEnv *env, jarray array) { return of(array)->length; }

static jbyteArray new_bytes(JNIEnv *env, jsize length) { return (jbyteArray)object("[B", NULL, (size_t)length); }

static void get_bytes(JNIEnv *env, jbyteArray array, jsize begin, jsize length, jbyte *into) {
    if (begin < 0 || length < 0 || begin + length > of(array)->length) fail("the library reads beyond an array", "");
    memcpy(into, of(array)->bytes + begin, (size_t)length);
}

static void set_bytes(JNIEnv *env, jbyteArray array, jsize begin, jsize length, const jbyte *from) {
    if (begin < 0 || length < 0 || begin + length > of(array)->length) fail("the library writes beyond an array", "");
    memcpy(of(array)->bytes + begin, from, (size_t)length);
}

static void *buffer_address(JNIEnv *env, jobject buffer) { return of(buffer)->bytes; }
static jlong buffer_capacity(JNIEnv *env, jobject buffer) { return of(buffer)->length; }

static void missing(void) { fail("the library calls a function of the JVM that this host does not have", ""); }

static struct JNINativeInterface_ functions;
static const struct JNINativeInterface_ *environment = &functions;

static jint get_env(JavaVM *vm, void **env, jint version) {
    *env = &environment;
    return JNI_OK;
}

static struct JNIInvokeInterface_ invocations;
static const struct JNIInvokeInterface_ *machine = &invocations;

static void fill(void) {
    void **entries = (void **)&functions;
    for (size_t entry = 0; entry < sizeof functions / sizeof *entries; entry++) entries[entry] = (void *)missing;
    entries = (void **)&invocations;
    for (size_t entry = 0; entry < sizeof invocations / sizeof *entries; entry++) entries[entry] = (void *)missing;
    invocations.GetEnv = get_env;
    functions.GetVersion = get_version;
    functions.FindClass = find_class;
    functions.RegisterNatives = register_natives;
    functions.ExceptionCheck = exception_check;
    functions.ExceptionOccurred = exception_occurred;
    functions.ExceptionClear = exception_clear;
    functions.Throw = throw_it;
    functions.NewLocalRef = same;
    functions.NewGlobalRef = same;
    functions.DeleteLocalRef = release;
    functions.DeleteGlobalRef = release;
    functions.PushLocalFrame = push_frame;
    functions.PopLocalFrame = pop_frame;
    functions.IsInstanceOf = is_instance;
    functions.NewStringUTF = new_string;
    functions.GetMethodID = get_method;
    functions.GetStaticMethodID = get_method;
    functions.NewObjectA = new_exception;
    functions.CallStaticObjectMethodA = call_static_method;
    functions.CallObjectMethodA = call_method;
    functions.GetArrayLength = get_length;
    functions.NewByteArray = new_bytes;
    functions.GetByteArrayRegion = get_bytes;
    functions.SetByteArrayRegion = set_bytes;
    functions.GetDirectBufferAddress = buffer_address;
    functions.GetDirectBufferCapacity = buffer_capacity;
}

/* --- What Java does with the library. --- */

static void *method(const char *name) {
    for (int number = 0; number < method_count; number++)
        if (strcmp(methods[number].name, name) == 0) return methods[number].fnPtr;
    fail("the library registers no method ", name);
    return NULL;
}

#define CALL(result, name, ...) ((result(*)(JNIEnv *, jclass, __VA_ARGS__))method(name))

static JNIEnv *env = &environment;
static jclass methods_class;

static void end_if_thrown(void) {
    if (!pending) return;
    printf("%s: %s\n", pending->kind, pending->bytes);
    exit(0);
}

static jbyteArray bytes_of(const char *text) { return (jbyteArray)object("[B", text, strlen(text)); }

static jobject file_as_buffer(const char *path) {
    static char content[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file) fail("cannot open ", path);
    size_t length = fread(content, 1, sizeof content, file);
    if (!feof(file)) fail("larger than a hand-over: ", path);
    fclose(file);
    return object("java/nio/ByteBuffer", content, length);
}

static unsigned number_at(const char *bytes) {
    const unsigned char *at = (const unsigned char *)bytes;
    return at[0] | at[1] << 8 | at[2] << 16 | (unsigned)at[3] << 24;
}

/* Waits for the answer that the first hand-over is committed. */
static void await_commit(jlong sink) {
    jobject room = object("java/nio/ByteBuffer", NULL, 1 << 16);
    time_t end = time(NULL) + LIMIT_SECONDS;
    while (time(NULL) < end) {
        jint length = CALL(jint, "answers", jlong, jobject)(env, methods_class, sink, room);
        end_if_thrown();
        for (jint at = 0; at < length; at += (jint)number_at(of(room)->bytes + at)) {
            unsigned kind = number_at(of(room)->bytes + at + 4);
            if (kind == 1) return;
            /* A gap before the first record of the topic: nothing stands in it. */
            if (kind == 3) CALL(void, "confirmed", jlong, jlong)(env, methods_class, sink, number_at(of(room)->bytes + at + 16));
            end_if_thrown();
        }
        nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
    }
    fail("the records were not committed in time", "");
}

static void write_records(jlong sink, const char *topic, const char *schema, const char *file) {
    jobject records = file_as_buffer(file);
    jint partition = CALL(jint, "sourcePartition", jlong, jbyteArray)(env, methods_class, sink, bytes_of(topic));
    end_if_thrown();
    jint id = CALL(jint, "announceSchema", jlong)(env, methods_class, sink);
    end_if_thrown();
    CALL(void, "writerSchema", jlong, jint, jbyteArray)(env, methods_class, sink, id, bytes_of(schema));
    end_if_thrown();
    printf("source partition %d, schema %d\n", partition, id);
    jint length = of(records)->length;
    jboolean taken = CALL(jboolean, "handOver", jlong, jlong, jobject, jint)(env, methods_class, sink, 1, records, length);
    end_if_thrown();
    if (!taken) fail("the first hand-over was not taken", "");
    await_commit(sink);
    printf("committed\n");
}

int main(int count, char **arguments) {
    int writes = count == 7 && strcmp(arguments[2], "write") == 0;
    if (!writes && !(count == 4 && strcmp(arguments[2], "open") == 0)) fail("see the head of host.c for its arguments", "");
    fill();
    methods_class = find_class(env, METHODS_CLASS);
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) fail("", dlerror());
    jint (*load)(JavaVM *, void *) = (jint(*)(JavaVM *, void *))dlsym(library, "JNI_OnLoad");
    if (!load) fail("", dlerror());
    if (load(&machine, NULL) != JNI_VERSION_1_8) fail("JNI_OnLoad failed", "");
    printf("%d methods\n", method_count);

    jlong sink = CALL(jlong, "open", jbyteArray)(env, methods_class, bytes_of(arguments[3]));
    end_if_thrown();
    printf("open\n");
    if (writes) write_records(sink, arguments[4], arguments[5], arguments[6]);
    jboolean whole = CALL(jboolean, "close", jlong, jlong)(env, methods_class, sink, 30000);
    end_if_thrown();
    printf(whole ? "closed\n" : "closed before all was committed\n");
    return 0;
}
