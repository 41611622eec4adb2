//! Thrift's binary protocol, as far as a client of Hive's metastore needs it.
//!
//! Values are read and written without a schema, so that what a newer metastore says of a table, and this connector does
//! not know, is sent back as it came.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncReadExt};

/// What an answer may take in memory, about: the names of some hundred thousand partitions are below it. (Less under cargo-fuzz,
/// which is to come beyond it in no time.)
pub(crate) const MOST_BYTES: usize = if cfg!(fuzzing) { 64 << 10 } else { 64 << 20 };
/// What the first field of a struct takes: a node of a map has room for eleven.
const FIRST_FIELD: usize = 12 * size_of::<Value>();
/// Structs, lists and maps in one another.
const DEEPEST: usize = 32;

const VERSION: u32 = 0x8001_0000;
const CALL: u32 = 1;
const REPLY: u32 = 2;
const EXCEPTION: u32 = 3;

/// The type of a value, as a byte of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the Thrift type of that name")]
pub(crate) enum Kind {
    Bool = 2,
    Byte = 3,
    Double = 4,
    I16 = 6,
    I32 = 8,
    I64 = 10,
    Text = 11,
    Struct = 12,
    Map = 13,
    Set = 14,
    List = 15,
}

const KINDS: [Kind; 11] = [
    Kind::Bool,
    Kind::Byte,
    Kind::Double,
    Kind::I16,
    Kind::I32,
    Kind::I64,
    Kind::Text,
    Kind::Struct,
    Kind::Map,
    Kind::Set,
    Kind::List,
];

/// A value.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is the Thrift type of that name")]
pub(crate) enum Value {
    Bool(bool),
    Byte(u8),
    Double(f64),
    I16(i16),
    I32(i32),
    I64(i64),
    /// A string, or bytes: the protocol does not tell them apart.
    Text(Vec<u8>),
    Struct(Struct),
    Map(Kind, Kind, Vec<(Value, Value)>),
    Set(Kind, Vec<Value>),
    List(Kind, Vec<Value>),
}

/// A struct: values by their field's number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Struct(BTreeMap<i16, Value>);

impl Value {
    fn kind(&self) -> Kind {
        match self {
            Value::Bool(_) => Kind::Bool,
            Value::Byte(_) => Kind::Byte,
            Value::Double(_) => Kind::Double,
            Value::I16(_) => Kind::I16,
            Value::I32(_) => Kind::I32,
            Value::I64(_) => Kind::I64,
            Value::Text(_) => Kind::Text,
            Value::Struct(_) => Kind::Struct,
            Value::Map(..) => Kind::Map,
            Value::Set(..) => Kind::Set,
            Value::List(..) => Kind::List,
        }
    }

    /// The text of a string; empty for any other value.
    pub(crate) fn text(&self) -> String {
        match self {
            Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        }
    }

    /// A list of structs.
    pub(crate) fn structs(items: impl IntoIterator<Item = Struct>) -> Value {
        Value::List(Kind::Struct, items.into_iter().map(Value::Struct).collect())
    }

    /// A list of strings.
    pub(crate) fn texts<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
        Value::List(Kind::Text, items.into_iter().map(Into::into).collect())
    }

    /// A map of strings to strings.
    pub(crate) fn text_map<K: Into<Value>, V: Into<Value>>(entries: impl IntoIterator<Item = (K, V)>) -> Value {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        Value::Map(Kind::Text, Kind::Text, entries)
    }

    fn append(&self, out: &mut Vec<u8>) {
        match self {
            Value::Bool(value) => out.push(u8::from(*value)),
            Value::Byte(value) => out.push(*value),
            Value::Double(value) => out.extend(value.to_be_bytes()),
            Value::I16(value) => out.extend(value.to_be_bytes()),
            Value::I32(value) => out.extend(value.to_be_bytes()),
            Value::I64(value) => out.extend(value.to_be_bytes()),
            Value::Text(bytes) => append_bytes(out, bytes),
            Value::Struct(fields) => fields.append(out),
            Value::Map(key, value, entries) => {
                out.extend([*key as u8, *value as u8]);
                append_length(out, entries.len());
                for (key, value) in entries {
                    key.append(out);
                    value.append(out);
                }
            }
            Value::Set(kind, items) | Value::List(kind, items) => {
                out.push(*kind as u8);
                append_length(out, items.len());
                items.iter().for_each(|item| item.append(out));
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.as_bytes().to_vec())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text.into_bytes())
    }
}

impl From<Struct> for Value {
    fn from(fields: Struct) -> Self {
        Value::Struct(fields)
    }
}

impl Struct {
    /// The struct with one field more.
    pub(crate) fn with(mut self, field: i16, value: impl Into<Value>) -> Self {
        self.set(field, value);
        self
    }

    /// Sets a field.
    pub(crate) fn set(&mut self, field: i16, value: impl Into<Value>) {
        self.0.insert(field, value.into());
    }

    /// A field's value.
    pub(crate) fn get(&self, field: i16) -> Option<&Value> {
        self.0.get(&field)
    }

    /// The field of the lowest number.
    pub(crate) fn first(&self) -> Option<(i16, &Value)> {
        self.0.first_key_value().map(|(field, value)| (*field, value))
    }

    /// A field's string; empty when there is none.
    pub(crate) fn text(&self, field: i16) -> String {
        self.get(field).map(Value::text).unwrap_or_default()
    }

    /// A field's struct; an empty one when there is none.
    pub(crate) fn fields(&self, field: i16) -> Struct {
        match self.get(field) {
            Some(Value::Struct(fields)) => fields.clone(),
            _ => Struct::default(),
        }
    }

    /// A field's list or set; empty when there is none.
    pub(crate) fn items(&self, field: i16) -> &[Value] {
        match self.get(field) {
            Some(Value::List(_, items) | Value::Set(_, items)) => items,
            _ => &[],
        }
    }

    /// The structs of a field's list.
    pub(crate) fn structs(&self, field: i16) -> impl Iterator<Item = &Struct> {
        self.items(field).iter().filter_map(|item| match item {
            Value::Struct(fields) => Some(fields),
            _ => None,
        })
    }

    /// A field's map of strings; empty when there is none.
    pub(crate) fn text_map(&self, field: i16) -> BTreeMap<String, String> {
        match self.get(field) {
            Some(Value::Map(_, _, entries)) => entries.iter().map(|(key, value)| (key.text(), value.text())).collect(),
            _ => BTreeMap::new(),
        }
    }

    fn append(&self, out: &mut Vec<u8>) {
        for (field, value) in &self.0 {
            out.push(value.kind() as u8);
            out.extend(field.to_be_bytes());
            value.append(out);
        }
        out.push(0);
    }
}

fn append_length(out: &mut Vec<u8>, length: usize) {
    // What this connector writes is far below 2 GiB.
    out.extend((length as u32).to_be_bytes());
}

fn append_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    append_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// The bytes of a call.
pub(crate) fn call(method: &str, number: i32, arguments: &Struct) -> Vec<u8> {
    message(CALL, method, number, arguments)
}

fn message(kind: u32, method: &str, number: i32, body: &Struct) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend((VERSION | kind).to_be_bytes());
    append_bytes(&mut out, method.as_bytes());
    out.extend(number.to_be_bytes());
    body.append(&mut out);
    out
}

/// What a server answered.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// Field 0 is what was asked for; any other is an exception that the method declares.
    Reply(Struct),
    /// The server could not do the call at all, and says why.
    Refused(String),
}

/// Reads the answer to the call of this number.
///
/// # Errors
/// When the connection fails, or what comes is no answer to that call: then the connection cannot be used any more.
pub(crate) async fn read_answer(reader: &mut (dyn AsyncRead + Unpin + Send), number: i32) -> io::Result<Answer> {
    let (kind, _, answered, body) = read_message(reader).await?;
    if answered != number {
        return Err(invalid(format!("an answer to call {answered} came for call {number}")));
    }
    match kind {
        REPLY => Ok(Answer::Reply(body)),
        EXCEPTION => Ok(Answer::Refused(body.text(1))),
        other => Err(invalid(format!("a message of kind {other} came in place of an answer"))),
    }
}

/// A message's kind, method, number and body.
async fn read_message(reader: &mut (dyn AsyncRead + Unpin + Send)) -> io::Result<(u32, Vec<u8>, i32, Struct)> {
    let mut input = Input { reader, left: MOST_BYTES };
    let version = input.reader.read_u32().await?;
    if version & 0xffff_0000 != VERSION {
        return Err(invalid(format!(
            "{version:#010x} is not how a message of Thrift's binary protocol begins; is this a metastore's port, without SASL \
             (Kerberos), TLS, framed transport and compact protocol?"
        )));
    }
    let method = input.bytes().await?;
    let number = input.reader.read_i32().await?;
    Ok((version & 0xff, method, number, input.fields(0).await?))
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

struct Input<'r> {
    reader: &'r mut (dyn AsyncRead + Unpin + Send),
    /// Bytes of memory that may still be taken.
    left: usize,
}

type Reading<'i, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'i>>;

impl Input<'_> {
    fn take(&mut self, bytes: usize) -> io::Result<()> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or_else(|| invalid(format!("the answer is larger than {MOST_BYTES} bytes")))?;
        Ok(())
    }

    /// A length, of which each unit takes memory for one of these.
    async fn length_of<T>(&mut self) -> io::Result<usize> {
        let length = self.reader.read_u32().await? as usize;
        self.take(length.saturating_mul(size_of::<T>()))?;
        Ok(length)
    }

    async fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let length = self.reader.read_u32().await? as usize;
        self.take(length)?;
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    async fn kind(&mut self) -> io::Result<Kind> {
        kind_of(self.reader.read_u8().await?)
    }

    async fn fields(&mut self, depth: usize) -> io::Result<Struct> {
        let mut fields = Struct::default();
        loop {
            let kind = self.reader.read_u8().await?;
            if kind == 0 {
                return Ok(fields);
            }
            let field = self.reader.read_i16().await?;
            self.take(if fields.0.is_empty() { FIRST_FIELD } else { size_of::<Value>() })?;
            let value = self.value(kind_of(kind)?, depth + 1).await?;
            fields.set(field, value);
        }
    }

    fn value(&mut self, kind: Kind, depth: usize) -> Reading<'_, Value> {
        Box::pin(async move {
            if depth > DEEPEST {
                return Err(invalid(format!("values are in one another more than {DEEPEST} times")));
            }
            Ok(match kind {
                Kind::Bool => Value::Bool(self.reader.read_u8().await? != 0),
                Kind::Byte => Value::Byte(self.reader.read_u8().await?),
                Kind::Double => Value::Double(self.reader.read_f64().await?),
                Kind::I16 => Value::I16(self.reader.read_i16().await?),
                Kind::I32 => Value::I32(self.reader.read_i32().await?),
                Kind::I64 => Value::I64(self.reader.read_i64().await?),
                Kind::Text => Value::Text(self.bytes().await?),
                Kind::Struct => Value::Struct(self.fields(depth).await?),
                Kind::Map => {
                    let (key, value) = (self.reader.read_u8().await?, self.reader.read_u8().await?);
                    let length = self.length_of::<(Value, Value)>().await?;
                    // No more is taken than was counted, as would be if it grew.
                    let mut entries = Vec::with_capacity(length);
                    // An empty map may come without types.
                    let (key, value) =
                        if length == 0 { (Kind::Text, Kind::Text) } else { (kind_of(key)?, kind_of(value)?) };
                    for _ in 0..length {
                        entries.push((self.value(key, depth + 1).await?, self.value(value, depth + 1).await?));
                    }
                    Value::Map(key, value, entries)
                }
                Kind::Set | Kind::List => {
                    let item = self.kind().await?;
                    let length = self.length_of::<Value>().await?;
                    let mut items = Vec::with_capacity(length);
                    for _ in 0..length {
                        items.push(self.value(item, depth + 1).await?);
                    }
                    if kind == Kind::Set { Value::Set(item, items) } else { Value::List(item, items) }
                }
            })
        })
    }
}

fn kind_of(byte: u8) -> io::Result<Kind> {
    KINDS.into_iter().find(|kind| *kind as u8 == byte).ok_or_else(|| invalid(format!("{byte} is no type of a value")))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The call that a server reads: its method, number and arguments.
    pub(crate) async fn read_call(reader: &mut (dyn AsyncRead + Unpin + Send)) -> io::Result<(String, i32, Struct)> {
        let (kind, method, number, arguments) = read_message(reader).await?;
        assert_eq!(kind, CALL);
        Ok((String::from_utf8(method).unwrap(), number, arguments))
    }

    /// The bytes of an answer.
    pub(crate) fn answer(method: &str, number: i32, answer: Answer) -> Vec<u8> {
        match answer {
            Answer::Reply(body) => message(REPLY, method, number, &body),
            Answer::Refused(why) => message(EXCEPTION, method, number, &Struct::default().with(1, why)),
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            any::<u8>().prop_map(Value::Byte),
            (-1e9..1e9).prop_map(Value::Double),
            any::<i16>().prop_map(Value::I16),
            any::<i32>().prop_map(Value::I32),
            any::<i64>().prop_map(Value::I64),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Text),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::btree_map(any::<i16>(), inner.clone(), 0..5)
                    .prop_map(|fields| Value::Struct(Struct(fields))),
                prop::collection::vec("[a-c]{0,3}", 0..4).prop_map(Value::texts),
                (inner.clone(), 0..4usize).prop_map(|(item, count)| Value::List(item.kind(), vec![item; count])),
                (inner.clone(), 0..4usize).prop_map(|(item, count)| Value::Set(item.kind(), vec![item; count])),
                (inner, 1..4usize).prop_map(|(item, count)| Value::Map(
                    Kind::Text,
                    item.kind(),
                    vec![("k".into(), item); count]
                )),
            ]
        })
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    proptest! {
        #[test]
        fn a_message_comes_back_as_it_was_written_and_cut_short_it_is_an_error(value in any_value(), cut in 0..1_000usize) {
            let body = Struct::default().with(0, value);
            let bytes = answer("m", 7, Answer::Reply(body.clone()));
            prop_assert_eq!(block_on(read_answer(&mut &bytes[..], 7)).unwrap(), Answer::Reply(body));
            prop_assert!(block_on(read_answer(&mut &bytes[..cut % bytes.len()], 7)).is_err());
        }

        #[test]
        fn any_bytes_are_an_error_or_an_answer_and_no_panic(bytes in prop::collection::vec(0..16u8, 0..60)) {
            let mut whole = message(REPLY, "m", 1, &Struct::default());
            whole.pop();
            whole.extend(bytes);
            let _ = block_on(read_answer(&mut &whole[..], 1));
        }
    }

    #[test]
    fn lengths_and_depths_beyond_the_bounds_are_errors() {
        let mut long = message(REPLY, "m", 1, &Struct::default());
        long.pop();
        let mut deep = long.clone();
        long.extend([Kind::List as u8, 0, 0, Kind::Bool as u8, 0x7f, 0xff, 0xff, 0xff]);
        let error = block_on(read_answer(&mut &long[..], 1)).unwrap_err();
        assert!(error.to_string().contains("larger than"), "{error}");
        for _ in 0..100 {
            deep.extend([Kind::Struct as u8, 0, 1]);
        }
        let error = block_on(read_answer(&mut &deep[..], 1)).unwrap_err();
        assert!(error.to_string().contains("more than 32 times"), "{error}");
    }

    #[test]
    fn a_struct_counts_as_much_as_it_takes() {
        // Of a map's node a field takes a small part, so that many structs of one field take many times what their fields do.
        let count = MOST_BYTES / (FIRST_FIELD + size_of::<Value>());
        let answer_of = |count: usize| {
            let structs = vec![Struct::default().with(1, Value::Bool(true)); count];
            let bytes = answer("m", 1, Answer::Reply(Struct::default().with(0, Value::structs(structs))));
            block_on(read_answer(&mut &bytes[..], 1))
        };
        assert!(answer_of(count - 2).is_ok());
        assert!(answer_of(count + 2).unwrap_err().to_string().contains("larger than"));
    }

    #[test]
    fn another_protocol_and_another_calls_answer_are_told() {
        let error = block_on(read_answer(&mut &b"HTTP/1.1 400 Bad Request"[..], 1)).unwrap_err();
        assert!(error.to_string().contains("is this a metastore's port"), "{error}");
        let bytes = answer("m", 1, Answer::Refused("no".to_owned()));
        assert!(block_on(read_answer(&mut &bytes[..], 2)).is_err());
        assert_eq!(block_on(read_answer(&mut &bytes[..], 1)).unwrap(), Answer::Refused("no".to_owned()));
    }
}
