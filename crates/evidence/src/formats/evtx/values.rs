//! The typed values of binary XML, as values of an event: in place where they are numbers, else as the text
//! that Windows shows.
//!
//! The kind that a value states decides, not the one that its template declares. Bytes that do not fit their
//! kind are shown as bytes, so that no value costs its record.

use std::fmt::Write as _;

use encoding_rs::WINDOWS_1252;
use model::Value;

use super::arena::Arena;
use super::binxml::{BINXML, STRING};

const NULL: u8 = 0x00;
const ANSI: u8 = 0x02;
const SID: u8 = 0x13;
/// A kind with this bit is an array of the kind without it.
const ARRAY: u8 = 0x80;
/// Of binary, and of what does not fit its kind.
const UPPER: &[u8; 16] = b"0123456789ABCDEF";
const LOWER: &[u8; 16] = b"0123456789abcdef";

const TICKS_OF_SECOND: u64 = 10_000_000;
const TICKS_OF_DAY: u64 = 86_400 * TICKS_OF_SECOND;

/// A value for a field; an empty one is null. `None` where the memory for its text is used up.
pub(super) fn value<'a>(kind: u8, bytes: &[u8], arena: &mut Arena<'a>) -> Option<Value<'a>> {
    if let Some(number) = number(kind, bytes) {
        return Some(number);
    }
    push(kind, bytes, arena)?;
    finish(arena)
}

/// The text written, as a value.
pub(super) fn finish<'a>(arena: &mut Arena<'a>) -> Option<Value<'a>> {
    let text = arena.finish()?;
    Some(if text.is_empty() { Value::Null } else { Value::from(text) })
}

/// Adds a value's text to the one that is being written.
pub(super) fn push(kind: u8, bytes: &[u8], arena: &mut Arena<'_>) -> Option<()> {
    if kind & ARRAY != 0 {
        return push_list(kind, bytes, arena);
    }
    if kind == STRING {
        return arena.push_utf16(bytes);
    }
    if bytes.is_empty() || matches!(kind, NULL | BINXML) {
        return Some(());
    }
    if let Some(number) = number(kind, bytes) {
        return arena.push(&number.text());
    }
    if push_by_kind(kind, bytes, arena)? { Some(()) } else { arena.push_hex(bytes, UPPER) }
}

/// False where the bytes do not fit the kind.
fn push_by_kind(kind: u8, bytes: &[u8], arena: &mut Arena<'_>) -> Option<bool> {
    match (kind, bytes.len()) {
        (ANSI, _) => {
            let plain: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
            arena.push(&WINDOWS_1252.decode_without_bom_handling(&plain).0)?;
        }
        (0x0b, 4) => write!(arena, "{:?}", f32::from_le_bytes(array(bytes)?)).ok()?,
        (0x0c, 8) => write!(arena, "{:?}", f64::from_le_bytes(array(bytes)?)).ok()?,
        (0x0f, 16) => push_guid(array(bytes)?, arena)?,
        (0x10 | 0x14, 4) => push_hex_number(u32::from_le_bytes(array(bytes)?).into(), arena)?,
        (0x10 | 0x15, 8) => push_hex_number(u64::from_le_bytes(array(bytes)?), arena)?,
        (0x11, 8) => push_filetime(u64::from_le_bytes(array(bytes)?), arena)?,
        (0x12, 16) => push_system_time(array(bytes)?, arena)?,
        (SID, _) => return push_sid(bytes, arena),
        _ => return Some(false),
    }
    Some(true)
}

/// A FILETIME, if the value is one.
pub(super) fn filetime(kind: u8, bytes: &[u8]) -> Option<u64> {
    if kind == 0x11 { Some(u64::from_le_bytes(bytes.try_into().ok()?)) } else { None }
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn number(kind: u8, bytes: &[u8]) -> Option<Value<'static>> {
    Some(match kind {
        0x03 => signed(i8::from_le_bytes(array(bytes)?)),
        0x04 => Value::UInt(u8::from_le_bytes(array(bytes)?).into()),
        0x05 => signed(i16::from_le_bytes(array(bytes)?)),
        0x06 => Value::UInt(u16::from_le_bytes(array(bytes)?).into()),
        0x07 => signed(i32::from_le_bytes(array(bytes)?)),
        0x08 => Value::UInt(u32::from_le_bytes(array(bytes)?).into()),
        0x09 => signed(i64::from_le_bytes(array(bytes)?)),
        0x0a => Value::UInt(u64::from_le_bytes(array(bytes)?)),
        0x0d => match i32::from_le_bytes(array(bytes)?) {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            // Windows keeps bits in some.
            other => signed(other),
        },
        _ => return None,
    })
}

fn signed(number: impl Into<i64>) -> Value<'static> {
    let number = number.into();
    u64::try_from(number).map_or(Value::Int(number), Value::UInt)
}

fn push_guid(bytes: [u8; 16], arena: &mut Arena<'_>) -> Option<()> {
    const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    arena.push("{")?;
    for (nth, place) in ORDER.into_iter().enumerate() {
        if matches!(nth, 4 | 6 | 8 | 10) {
            arena.push("-")?;
        }
        arena.push_hex(bytes.get(place..=place)?, LOWER)?;
    }
    arena.push("}")
}

fn push_sid(bytes: &[u8], arena: &mut Arena<'_>) -> Option<bool> {
    let Some((&[revision, count, ref authority @ ..], parts)) = bytes.split_first_chunk::<8>()
    else {
        return Some(false);
    };
    let Some(parts) = parts.get(..4 * usize::from(count)) else { return Some(false) };
    let authority = authority.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    arena.push("S-")?;
    push_digits(revision.into(), 10, arena)?;
    arena.push("-")?;
    push_digits(authority, 10, arena)?;
    for part in parts.as_chunks().0 {
        arena.push("-")?;
        push_digits(u32::from_le_bytes(*part).into(), 10, arena)?;
    }
    Some(true)
}

fn push_hex_number(number: u64, arena: &mut Arena<'_>) -> Option<()> {
    arena.push("0x")?;
    push_digits(number, 16, arena)
}

fn push_digits(mut number: u64, base: u64, arena: &mut Arena<'_>) -> Option<()> {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    while number > 0 || first == digits.len() {
        first -= 1;
        *digits.get_mut(first)? = *LOWER.get(usize::try_from(number % base).ok()?)?;
        number /= base;
    }
    arena.push(std::str::from_utf8(digits.get(first..)?).ok()?)
}

/// A moment as Windows shows it, to 100 ns. Years past 9999 keep their last four digits; what no signed
/// number holds is shown as zeros.
fn push_filetime(ticks: u64, arena: &mut Arena<'_>) -> Option<()> {
    if i64::try_from(ticks).is_err() {
        return arena.push("0000-00-00T00:00:00.0000000Z");
    }
    let second = ticks % TICKS_OF_DAY / TICKS_OF_SECOND;
    let time = [second / 3_600, second / 60 % 60, second % 60];
    push_time(civil(ticks / TICKS_OF_DAY), time, ticks % TICKS_OF_SECOND, arena)
}

fn push_time(
    [year, month, day]: [u64; 3],
    [hour, minute, second]: [u64; 3],
    ticks: u64,
    arena: &mut Arena<'_>,
) -> Option<()> {
    let mut text = *b"0000-00-00T00:00:00.0000000Z";
    let parts = [
        (year, 0..4),
        (month, 5..7),
        (day, 8..10),
        (hour, 11..13),
        (minute, 14..16),
        (second, 17..19),
        (ticks, 20..27),
    ];
    for (mut part, range) in parts {
        for digit in text.get_mut(range)?.iter_mut().rev() {
            *digit = b'0' + u8::try_from(part % 10).ok()?;
            part /= 10;
        }
    }
    arena.push(std::str::from_utf8(&text).ok()?)
}

/// The date that many days after 1601-01-01, in the proleptic Gregorian calendar.
fn civil(days: u64) -> [u64; 3] {
    // Eras of 400 years, each from a 1 March on, so that a leap day ends its year.
    const DAYS_OF_ERA: u64 = 146_097;
    let since_year_0 = days + 584_694;
    let (era, day) = (since_year_0 / DAYS_OF_ERA, since_year_0 % DAYS_OF_ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let of_month = of_year - (153 * from_march + 2) / 5 + 1;
    [era * 400 + year + u64::from(month <= 2), month, of_month]
}

/// A SYSTEMTIME as it is, or the beginning of time if it is none.
fn push_system_time(bytes: [u8; 16], arena: &mut Arena<'_>) -> Option<()> {
    let [year, month, _, day, hour, minute, second, milli] = *bytes.as_chunks().0 else {
        return None;
    };
    let read = |bytes: [u8; 2]| u64::from(u16::from_le_bytes(bytes));
    let date = [read(year), read(month), read(day)];
    let time = [read(hour), read(minute), read(second)];
    let [year, month, day] = date;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let valid = (1601..=30_827).contains(&year)
        && (1..=12).contains(&month)
        && (1..=last).contains(&day)
        && time < [24, 0, 0]
        && time.iter().skip(1).all(|part| *part < 60)
        && read(milli) < 1_000;
    if valid {
        push_time(date, time, read(milli) * 10_000, arena)
    } else {
        push_time([1601, 1, 1], [0; 3], 0, arena)
    }
}

fn push_list(kind: u8, bytes: &[u8], arena: &mut Arena<'_>) -> Option<()> {
    let Some(items) = items(kind, bytes) else { return arena.push_hex(bytes, UPPER) };
    for (nth, item) in items.enumerate() {
        if nth > 0 {
            arena.push(",")?;
        }
        push(kind & !ARRAY, item, arena)?;
    }
    Some(())
}

/// The items of an array that has more than one: each is a value by itself.
pub(super) fn several(kind: u8, bytes: &[u8]) -> Option<Items<'_>> {
    if kind & ARRAY == 0 {
        return None;
    }
    let items = items(kind, bytes)?;
    items.clone().nth(1).map(|_| items)
}

fn items(kind: u8, bytes: &[u8]) -> Option<Items<'_>> {
    let form = match kind & !ARRAY {
        STRING => Form::Wide,
        ANSI => Form::Narrow,
        SID => Form::Sid,
        0x03 | 0x04 => Form::Fixed(1),
        0x05 | 0x06 => Form::Fixed(2),
        0x07 | 0x08 | 0x0b | 0x0d | 0x14 => Form::Fixed(4),
        0x09 | 0x0a | 0x0c | 0x11 | 0x15 => Form::Fixed(8),
        0x0f | 0x12 => Form::Fixed(16),
        _ => return None,
    };
    let fits = match form {
        Form::Fixed(width) => bytes.len().is_multiple_of(width),
        _ => true,
    };
    fits.then_some(Items { form, kind: kind & !ARRAY, rest: bytes })
}

/// The items of an array.
#[derive(Clone)]
pub(super) struct Items<'c> {
    form: Form,
    /// Kind of each item.
    pub kind: u8,
    rest: &'c [u8],
}

#[derive(Clone, Copy)]
enum Form {
    /// Strings that end in NUL, the last perhaps without.
    Wide,
    Narrow,
    Sid,
    Fixed(usize),
}

impl<'c> Iterator for Items<'c> {
    type Item = &'c [u8];

    fn next(&mut self) -> Option<&'c [u8]> {
        let rest = self.rest;
        if rest.is_empty() {
            return None;
        }
        let (size, behind) = match self.form {
            Form::Wide => {
                let nul = rest.as_chunks::<2>().0.iter().position(|unit| *unit == [0, 0]);
                nul.map_or((rest.len(), rest.len()), |at| (at * 2, at * 2 + 2))
            }
            Form::Narrow => {
                let nul = rest.iter().position(|byte| *byte == 0);
                nul.map_or((rest.len(), rest.len()), |at| (at, at + 1))
            }
            Form::Sid => {
                let count = rest.get(1).copied().unwrap_or(0);
                let size = (8 + 4 * usize::from(count)).min(rest.len());
                (size, size)
            }
            Form::Fixed(width) => (width, width),
        };
        self.rest = rest.get(behind..).unwrap_or_default();
        rest.get(..size)
    }
}
