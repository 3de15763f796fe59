//! Records made by hand: each form of binary XML, what only liars write, and what the crate makes of them.

use std::time::Instant;

use super::HEADER;
use super::oracle::as_the_crate_reads;
use super::show::render;
use super::writing::Token::{
    self, Attribute, Character, Data, Empty, End, Entity, In, Literal, Open, Section, Slot, Text,
};
use super::writing::{Chunk, Val, file};
use crate::formats::json_events::testing::{Seen, read};

/// An event with that in it behind its head.
fn event(inside: &[Token]) -> Vec<Token> {
    let mut tokens = vec![Open("Event"), In, Open("System"), In];
    tokens.extend([Open("Provider"), Attribute("Name"), Text("P"), Empty]);
    for (name, text) in [("EventID", "7"), ("Channel", "C"), ("Computer", "H")] {
        tokens.extend([Open(name), In, Text(text), End]);
    }
    tokens.push(End);
    tokens.extend_from_slice(inside);
    tokens.push(End);
    tokens
}

fn body(tokens: &[Token]) -> Vec<Token> {
    event(&[&[Open("EventData"), In][..], tokens, &[End]].concat())
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The fields of the body: text as it is, else with the kind of value.
fn fields(event: &Seen) -> Vec<(String, String)> {
    let inside = event.fields.iter().take_while(|(name, _)| name != "Channel");
    inside
        .map(|(name, value)| match value {
            model::Value::Str(text) => (name.clone(), text.clone().into_owned()),
            other => (name.clone(), format!("{other:?}")),
        })
        .collect()
}

/// A record, what it gives, and why the crate makes something else of it, if it does.
struct Case {
    name: &'static str,
    record: fn(&mut Chunk),
    gives: &'static [(&'static str, &'static str)],
    crate_differs: Option<&'static str>,
}

const CASES: &[Case] = &[
    Case {
        name: "text in parts",
        record: |c| {
            let mut tokens = vec![Data("A"), Text("x "), Entity("lt"), Character(0xe9)];
            tokens.extend([Entity("amp"), Entity("odd"), Section(" <y>"), End]);
            c.plain(&body(&tokens));
        },
        gives: &[("A", "x <é&&odd; <y>")],
        crate_differs: None,
    },
    Case {
        name: "a name in parts",
        record: |c| {
            let start = [Open("Data"), Attribute("Name"), Text("A"), Entity("gt"), Text("B"), In];
            c.plain(&body(&[&start[..], &[Text("x"), End]].concat()));
        },
        gives: &[("A>B", "x")],
        crate_differs: None,
    },
    Case {
        name: "elements with attributes and others in them",
        record: |c| {
            let mut tokens =
                vec![Open("UserData"), In, Open("Root"), Attribute("xmlns:a"), Text("u")];
            tokens.extend([Attribute("Kind"), Text("k"), In, Open("Leaf"), In, Text("1"), End]);
            tokens.extend([Open("Leaf"), In, Text("2"), End, Open("None"), Empty]);
            tokens.extend([Open("Outer"), In, Text("o"), Open("Inner"), In, Text("i"), End, End]);
            c.plain(&event(&[&tokens[..], &[End, End]].concat()));
        },
        gives: &[
            ("Root_Kind", "k"),
            ("Leaf", "1"),
            ("Leaf", "2"),
            ("None", "Null"),
            ("Outer", "o"),
            ("Inner", "i"),
        ],
        crate_differs: None,
    },
    Case {
        name: "unnamed data beside named",
        record: |c| {
            let tokens = [Data("A"), Text("x"), End, Open("Data"), In, Text("y"), End];
            c.plain(&body(&tokens));
        },
        gives: &[("A", "x"), ("Data", "y")],
        crate_differs: Some("it drops what has no name where something has one"),
    },
    Case {
        name: "names like those that JSON exporters make",
        record: |c| c.plain(&body(&[Data("xmlns"), Text("x"), End, Data("@a"), Text("y"), End])),
        gives: &[("xmlns", "x"), ("@a", "y")],
        crate_differs: Some("in JSON they cannot be told from attributes"),
    },
    Case {
        name: "an element that depends on a null value, and an optional one",
        record: |c| {
            let mut tokens = vec![Token::Depends("Gone", 0), In, Text("x"), End];
            tokens.extend([Token::Depends("Here", 1), In, Slot(1), End, Data("A"), Slot(0), End]);
            let values = [Val::Typed(0, vec![]), Val::Typed(8, vec![5, 0, 0, 0])];
            c.record(|c| c.instance(&body(&tokens), &values));
        },
        gives: &[("Here", "UInt(5)"), ("A", "Null")],
        crate_differs: None,
    },
    Case {
        name: "arrays",
        record: |c| {
            let mut tokens = vec![Open("Data"), In, Slot(0), End, Data("N"), Slot(1), End];
            tokens.extend([Data("One"), Slot(2), End, Data("Mixed"), Text("n="), Slot(3), End]);
            let values = [
                Val::Typed(0x81, wide("a\0\0c\0")),
                Val::Typed(0x86, vec![1, 0, 2, 0]),
                Val::Typed(0x81, wide("alone\0")),
                Val::Typed(0x84, vec![9]),
            ];
            c.record(|c| c.instance(&body(&tokens), &values));
        },
        gives: &[
            ("Data", "a"),
            ("Data", "Null"),
            ("Data", "c"),
            ("N", "UInt(1)"),
            ("N", "UInt(2)"),
            ("One", "alone"),
            ("Mixed", "n=9"),
        ],
        crate_differs: Some("it drops what has no name where something has one"),
    },
    Case {
        name: "an array whose last string has no end",
        record: |c| {
            let values = [Val::Typed(0x81, wide("a\0b"))];
            c.record(|c| c.instance(&body(&[Open("Data"), In, Slot(0), End]), &values));
        },
        gives: &[("Data", "a"), ("Data", "b")],
        crate_differs: Some("it reads on into what follows"),
    },
    Case {
        name: "a value of a template inside a text",
        record: |c| {
            let tokens =
                [Data("A"), Text("<"), Slot(0), Text(">"), End, Data("B"), Slot(1), Slot(2), End];
            let values =
                [Val::Typed(1, wide("x")), Val::Typed(8, vec![5, 0, 0, 0]), Val::Typed(0, vec![])];
            c.record(|c| c.instance(&body(&tokens), &values));
        },
        gives: &[("A", "<x>"), ("B", "UInt(5)")],
        crate_differs: None,
    },
    Case {
        name: "a template in a template, and one in that",
        record: |c| {
            let leaf =
                Val::Nested(vec![Open("Deep"), In, Slot(0), End], vec![Val::Typed(4, vec![3])]);
            let data = vec![Open("EventData"), In, Data("A"), Text("x"), End, Slot(0), End];
            c.record(|c| c.instance(&event(&[Slot(0)]), &[Val::Nested(data, vec![leaf])]));
        },
        gives: &[("A", "x"), ("Deep", "UInt(3)")],
        crate_differs: None,
    },
    Case {
        name: "values in a stream without a template",
        record: |c| {
            let number = Literal(8, vec![5, 0, 0, 0]);
            c.plain(&body(&[Data("A"), number, End]));
        },
        gives: &[("A", "UInt(5)")],
        crate_differs: None,
    },
];

#[test]
fn each_form_gives_its_fields() {
    for case in CASES {
        let mut chunk = Chunk::new();
        (case.record)(&mut chunk);
        let bytes = file(vec![chunk]);
        let gathered = read(&bytes);
        let [event] = &gathered.events[..] else { panic!("{}: {gathered:?}", case.name) };
        let gives: Vec<_> =
            case.gives.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(fields(event), gives, "{}", case.name);
        assert_eq!((event.channel.as_str(), event.event_id), ("C", Some(7)), "{}", case.name);
        let theirs = as_the_crate_reads(&bytes).into_values().next();
        let same = theirs.as_ref() == Some(event);
        assert_eq!(same, case.crate_differs.is_none(), "{}: {theirs:?}", case.name);
    }
}

/// Kind, bytes, what they give, and whether the crate says the same.
type Typed = (u8, &'static [u8], &'static str, bool);

const VALUES: &[Typed] = &[
    (0x00, &[], "Null", true),
    (0x01, b"a\0\xe9\0\0\0b\0", "aé", true),
    (0x01, &[], "Null", true),
    (0x02, b"a\x80\0", "a€", true),
    (0x03, &[0xff], "Int(-1)", true),
    (0x04, &[0xff], "UInt(255)", true),
    (0x05, &[0xfe, 0xff], "Int(-2)", true),
    (0x06, &[1, 1], "UInt(257)", true),
    (0x07, &[7, 0, 0, 0], "UInt(7)", true),
    (0x08, &[0xff; 4], "UInt(4294967295)", true),
    (0x09, &[0xff; 8], "Int(-1)", true),
    (0x0a, &[0xff; 8], "UInt(18446744073709551615)", true),
    (0x0b, &[0, 0, 0xc0, 0x3f], "1.5", true),
    (0x0c, &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f], "1.0", true),
    (0x0d, &[1, 0, 0, 0], "Bool(true)", true),
    (0x0d, &[0, 0, 0, 0], "Bool(false)", true),
    (0x0d, &[16, 0, 0, 0], "UInt(16)", true),
    (0x0e, &[0x0a, 0xff], "0AFF", true),
    (
        0x0f,
        &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
        "{04030201-0605-0807-090a-0b0c0d0e0f10}",
        true,
    ),
    (0x10, &[0x1f, 0, 0, 0], "0x1f", true),
    (0x10, &[0; 8], "0x0", true),
    (0x11, &[0xb0, 0x12, 0xc2, 0x1b, 0xa9, 0x19, 0xd7, 0x01], "2021-03-15T14:40:13.6590000Z", true),
    (0x11, &[0xff; 8], "0000-00-00T00:00:00.0000000Z", true),
    (
        0x12,
        &[0xe4, 7, 2, 0, 6, 0, 29, 0, 23, 0, 59, 0, 58, 0, 7, 0],
        "2020-02-29T23:59:58.0070000Z",
        true,
    ),
    (0x12, &[0; 16], "1601-01-01T00:00:00.0000000Z", true),
    (0x13, &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0], "S-1-5-32-544", true),
    (0x14, &[0xef, 0xbe, 0, 0], "0xbeef", true),
    (0x15, &[0xff; 8], "0xffffffffffffffff", true),
    // What does not fit its kind is shown as it is; the crate reads on into what follows, or gives up.
    (0x08, &[1, 2], "0102", false),
    (0x13, &[1, 9, 0, 0, 0, 0, 0, 5], "0109000000000005", false),
    (0x90, &[1, 2, 3, 4], "01020304", false),
    (0x0f, &[1], "01", false),
];

#[test]
fn each_kind_of_value() {
    for (kind, raw, gives, as_the_crate) in VALUES {
        let mut chunk = Chunk::new();
        let value = [Val::Typed(*kind, raw.to_vec())];
        chunk.record(|c| c.instance(&body(&[Data("A"), Slot(0), End]), &value));
        let bytes = file(vec![chunk]);
        let gathered = read(&bytes);
        let event = gathered.events.first().unwrap_or_else(|| panic!("{kind:#x}"));
        assert_eq!(fields(event), [("A".to_owned(), (*gives).to_owned())], "{kind:#x}");
        let theirs = as_the_crate_reads(&bytes).into_values().next();
        assert_eq!(theirs.as_ref() == Some(event), *as_the_crate, "{kind:#x} {theirs:?}");
    }
}

#[test]
fn what_is_shown_is_bounded_too() {
    let inside = [Data("A"), Text("x"), Entity("lt"), End, Open("Data"), In, Slot(0), End];
    let mut chunk = Chunk::new();
    let values = [Val::Typed(0x86, vec![1, 0, 2, 0])];
    chunk.record(|c| c.instance(&body(&inside), &values));
    let shown = render(&chunk.finish(), 512).unwrap();
    assert!(shown.contains("\"A\": \"x<\",\n      \"Data\": 1,\n      \"Data\": 2"), "{shown}");
    let mut chunk = Chunk::new();
    let values = (0..8).fold(nested(0), |inner, _| fanned(inner));
    chunk.record(|c| c.instance(&event(&[Slot(0)]), &[values]));
    assert_eq!(render(&chunk.finish(), 512), None);
}

/// A stream that holds a value a hundred times.
fn fanned(inner: Val) -> Val {
    let often: Vec<Token> = std::iter::repeat_n(Slot(0), 100).collect();
    Val::Nested([&[Open("X"), In][..], &often, &[End]].concat(), vec![inner])
}

/// A record that is broken or asks for too much is lost and counted, and the one behind it is read.
fn lost(what: &str, record: impl FnOnce(&mut Chunk)) {
    let mut chunk = Chunk::new();
    record(&mut chunk);
    chunk.plain(&body(&[Data("A"), Text("good"), End]));
    let started = Instant::now();
    let gathered = read(&file(vec![chunk]));
    let found: Vec<_> = gathered.events.iter().map(fields).collect();
    assert_eq!(found, [[("A".to_owned(), "good".to_owned())]], "{what}");
    assert_eq!(gathered.count("record_damaged"), 1, "{what}");
    assert!(started.elapsed().as_secs() < 5, "{what}");
}

fn nested(levels: usize) -> Val {
    (0..levels).fold(Val::Typed(4, vec![3]), |inner, _| {
        Val::Nested(vec![Open("X"), In, Slot(0), End], vec![inner])
    })
}

#[test]
fn bounds_hold_and_the_next_record_is_read() {
    let elements = |count: usize| {
        let open = [Open("X"), In].into_iter().cycle().take(2 * count);
        body(&open.chain(std::iter::repeat_n(End, count)).collect::<Vec<_>>())
    };
    let deep = |levels| vec![nested(levels)];
    for (tokens, values) in [(elements(62), vec![]), (event(&[Slot(0)]), deep(8))] {
        let mut chunk = Chunk::new();
        chunk.record(|c| c.instance(&tokens, &values));
        assert_eq!(read(&file(vec![chunk])).events.len(), 1);
    }
    lost("elements in elements", |c| c.plain(&elements(63)));
    lost("streams in streams", |c| c.record(|c| c.instance(&event(&[Slot(0)]), &deep(9))));
    lost("an end too many", |c| c.plain(&[&[End][..], &body(&[])].concat()));
    lost("no end", |c| c.plain(&body(&[Open("X"), In])));
    lost("an element in the start of another", |c| c.plain(&body(&[Open("X"), Open("Y"), Empty])));
    lost("a value without a template", |c| c.plain(&body(&[Data("A"), Slot(0), End])));
    lost("no event", |c| c.plain(&[Open("X"), Empty]));
    let long = Val::Typed(1, wide(&"x".repeat(20_000)));
    let often: Vec<Token> = std::iter::repeat_n(Slot(0), 1_000).collect();
    lost("one text, a thousand times", |c| {
        let tokens = [&[Data("A")][..], &often, &[End]].concat();
        c.record(|c| c.instance(&body(&tokens), std::slice::from_ref(&long)));
    });
    lost("streams that double each other", |c| {
        let values = (0..5).fold(nested(0), |inner, _| fanned(inner));
        c.record(|c| c.instance(&event(&[Slot(0)]), &[values]));
    });
}

#[test]
fn counts_are_bounded_by_what_is_there() {
    let tokens = body(&[Data("A"), Slot(0), End]);
    let mut chunk = Chunk::new();
    chunk.record(|c| c.instance(&tokens, &[Val::Typed(4, vec![3])]));
    chunk.plain(&body(&[Data("A"), Text("good"), End]));
    let sound = file(vec![chunk]);
    let second = read(&sound).events[1].clone();
    let first = HEADER + 512..usize::try_from(second.offset).unwrap();
    for at in first.start + 24..first.end - 4 {
        let mut bytes = sound.clone();
        bytes[at..at + 4].fill(0xff);
        let gathered = read(&bytes);
        let lost = usize::try_from(gathered.count("record_damaged")).unwrap();
        assert_eq!(gathered.events.len() + lost, 2, "{at}");
        assert_eq!(fields(gathered.events.last().unwrap()), fields(&second), "{at}");
    }
}

#[test]
fn a_template_is_what_its_own_bytes_say() {
    let record = |c: &mut Chunk, name| {
        let tokens = body(&[Data(name), Slot(0), End]);
        c.record(|c| c.instance(&tokens, &[Val::Typed(4, vec![3])]));
    };
    // One GUID and one size: the second chunk has another text, the third the first's at another place.
    let (mut first, mut second, mut third) = (Chunk::new(), Chunk::new(), Chunk::new());
    record(&mut first, "A");
    record(&mut second, "B");
    third.plain(&body(&[Data("C"), Text("x"), End]));
    record(&mut third, "A");
    let gathered = read(&file(vec![first, second, third]));
    let names: Vec<_> = gathered.events.iter().map(|e| fields(e)[0].0.clone()).collect();
    assert_eq!(names, ["A", "B", "C", "A"]);
}
