//! One record for a reader.

use std::io::{self, BufRead, Read};

use super::super::json_events::dom;
use super::chunk::{CHUNK, Step, survey};
use super::{HEADER, decode, starts_headless};

/// One record as indented JSON, control characters escaped; `at` is its place in the chunk.
pub(super) fn render(chunk: &[u8], at: usize) -> Option<String> {
    let survey = survey(chunk, chunk.len(), &[]);
    let live = survey.steps.iter().filter_map(Step::record);
    let entry = live.chain(&survey.slack).find(|entry| entry.at == at)?;
    let texts = decode::texts(chunk, &[*entry]);
    Some(dom::pretty(&dom::parse(texts.get(&at)?).ok()?.0))
}

/// The record at an offset of a file, which is read up to there.
pub(crate) fn render_at(input: &mut impl BufRead, offset: u64) -> io::Result<Option<String>> {
    let head = if starts_headless(input.fill_buf()?) { 0 } else { HEADER as u64 };
    let Some(behind) = offset.checked_sub(head) else { return Ok(None) };
    let start = head + behind / CHUNK as u64 * CHUNK as u64;
    io::copy(&mut input.by_ref().take(start), &mut io::sink())?;
    let mut chunk = Vec::new();
    input.take(CHUNK as u64).read_to_end(&mut chunk)?;
    chunk.resize(CHUNK, 0);
    Ok(usize::try_from(offset - start).ok().and_then(|at| render(&chunk, at)))
}
