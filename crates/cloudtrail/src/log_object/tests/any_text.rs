//! Any JSON, however it is written and cut, against a plain reader.

use super::*;

/// A source that gives its bytes in pieces of these lengths.
struct Pieces<'b> {
    bytes: &'b [u8],
    lengths: Vec<usize>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths.pop().unwrap_or(usize::MAX).min(block.len());
        self.bytes.read(&mut block[..length])
    }
}

/// JSON as people and machines write it: with duplicate members, escapes and white space.
#[derive(Clone, Debug)]
enum Json {
    Word(&'static str),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

const NAMES: [&str; 8] = [
    "eventSource",
    "responseElements",
    "credentials",
    "credentialSet",
    "accessKeyId",
    "eventID",
    "requestParameters",
    "Records",
];

fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => Just("sts.amazonaws.com".to_owned()),
        2 => Just("x".to_owned()),
        3 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned),
        3 => prop::sample::select(&["\"", "\\", "{", "}", "[", "]", ":", ",", "\\u0053", "\u{1}", "\n", "/"][..])
            .prop_map(str::to_owned),
        1 => prop::sample::select(&["é", "😀", "\u{2028}", "\u{10ffff}"][..]).prop_map(str::to_owned),
        1 => "[a-z]{0,90}",
    ];
    prop_oneof![
        2 => Just("sts.amazonaws.com".to_owned()),
        3 => prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat()),
    ]
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => texts()]
}

fn values() -> impl Strategy<Value = Json> {
    let words = prop::sample::select(
        &[
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1.5e3",
            "123456789012345678901234567890",
        ][..],
    );
    let leaves = prop_oneof![words.prop_map(Json::Word), texts().prop_map(Json::Text)];
    leaves.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
            3 => prop::collection::vec((names(), inner), 0..6).prop_map(Json::Object),
        ]
    })
}

fn log_objects() -> impl Strategy<Value = Json> {
    let record = prop_oneof![
        1 => values(),
        6 => prop::collection::vec((names(), values()), 0..8).prop_map(Json::Object),
    ];
    prop::collection::vec(record, 0..8)
        .prop_map(|records| Json::Object(vec![("Records".to_owned(), Json::List(records))]))
}

/// Writes JSON in a style that each byte of `choices` changes anew.
struct Writer<'c> {
    choices: std::iter::Cycle<std::slice::Iter<'c, u8>>,
    json: String,
}

impl Writer<'_> {
    fn write(value: &Json, choices: &[u8]) -> String {
        let mut writer = Writer {
            choices: choices.iter().cycle(),
            json: String::new(),
        };
        writer.value(value);
        writer.json
    }

    fn choose(&mut self) -> u8 {
        *self.choices.next().unwrap_or(&0)
    }

    fn space(&mut self) {
        let space = match self.choose() {
            0..200 => "",
            200..230 => " ",
            230..250 => "\n\t",
            _ => "                                                                          ",
        };
        self.json.push_str(space);
    }

    fn value(&mut self, value: &Json) {
        match value {
            Json::Word(word) => self.json.push_str(word),
            Json::Text(text) => self.text(text),
            Json::List(elements) => self.sequence('[', elements, ']', Writer::value),
            Json::Object(members) => self.sequence('{', members, '}', |writer, (name, value)| {
                writer.name(name);
                writer.space();
                writer.json.push(':');
                writer.space();
                writer.value(value);
            }),
        }
    }

    fn sequence<T>(&mut self, open: char, items: &[T], close: char, write: impl Fn(&mut Self, &T)) {
        self.json.push(open);
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.json.push(',');
            }
            self.space();
            write(self, item);
            self.space();
        }
        self.json.push(close);
    }

    /// `Records` must be spelled plainly.
    fn name(&mut self, name: &str) {
        match name {
            "Records" => self.json.push_str("\"Records\""),
            _ => self.text(name),
        }
    }

    fn text(&mut self, text: &str) {
        self.json.push('"');
        let style = self.choose();
        for character in text.chars() {
            let must_escape = matches!(character, '"' | '\\' | '\0'..='\x1f');
            if must_escape && style.is_multiple_of(2) && matches!(character, '"' | '\\') {
                self.json.extend(['\\', character]);
            } else if must_escape || (style > 230 && self.choose() > 200) {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    self.json.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                self.json.push(character);
            }
        }
        self.json.push('"');
    }
}

/// What is told of an object by the rule alone, with everything parsed.
fn told_by_the_plain_reader(json: &str) -> Told {
    let object: Value = serde_json::from_str(json).unwrap();
    let mut told = Told::new();
    for (place, record) in object["Records"].as_array().unwrap().iter().enumerate() {
        let place = place as u64;
        let text_in =
            |value: &Value, name| value.get(name).and_then(Value::as_str).map(str::to_owned);
        if !record.is_object() {
            let found = match record {
                Value::Null => "null",
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                Value::String(_) => "a text",
                _ => "a list",
            };
            told.push((place, Err(RecordFault::NotAnObject { found })));
            continue;
        }
        let source = text_in(record, "eventSource");
        let response = &record["responseElements"];
        let issued = response
            .get("credentials")
            .and_then(|credentials| text_in(credentials, "accessKeyId"))
            .is_some_and(|text| !text.is_empty());
        let set = response.get("credentialSet").and_then(Value::as_array);
        let is_set = set.is_some_and(|set| !set.is_empty());
        if source.is_some_and(|name| name == "x" || name == "sts.amazonaws.com") || issued || is_set
        {
            told.push((
                place,
                Ok(text_in(record, "eventID").filter(|text| !text.is_empty())),
            ));
        }
    }
    told
}

proptest! {
    #[test]
    fn the_reader_tells_what_the_plain_reader_tells(
        object in log_objects(),
        choices in prop::collection::vec(any::<u8>(), 1..50),
        lengths in prop::collection::vec(1_usize..100, 0..200),
        window_bytes in prop_oneof![Just(64_usize), 64_usize..600, Just(1 << 16)],
        is_packed in any::<bool>(),
        portable in any::<bool>(),
    ) {
        let json = Writer::write(&object, &choices);
        let bytes = if is_packed { pack(json.as_bytes()) } else { json.as_bytes().to_vec() };
        let scanner = if portable { Scanner::Portable } else { Scanner::detect() };
        let mut reader = LogObjectReader::with(Limits::default(), scanner, window_bytes);
        let outcome = read_with(&mut reader, Pieces { bytes: &bytes, lengths }, &STS);
        prop_assert_eq!(outcome.failure(), "");
        prop_assert_eq!(&outcome.told, &told_by_the_plain_reader(&json), "{}", json);
        prop_assert_eq!(String::from_utf8_lossy(&outcome.text), json);
    }

    #[test]
    fn any_change_of_a_byte_ends_in_peace(
        object in log_objects(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut json = Writer::write(&object, &[0]).into_bytes();
        for (place, byte) in changes {
            let place = place.index(json.len());
            json[place] = byte;
        }
        let mut reader = LogObjectReader::with(Limits::default(), Scanner::detect(), 128);
        let all = read_with(&mut reader, &json[..], &Select::All);
        let some = read_with(&mut reader, &json[..], &STS);
        prop_assert_eq!(all.reading.tally.records, some.reading.tally.records);
        prop_assert_eq!(all.failure(), some.failure());
    }
}
