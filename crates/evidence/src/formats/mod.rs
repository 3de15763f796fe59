//! The formats, one folder each: how a stream is recognised, cut into blocks and decoded.
//!
//! A format is two small things: a [`Framer`], which runs on the reading thread and only cuts the stream
//! into blocks, and a [`Block`], which any thread decodes. [`identify`] asks each format in turn.

pub(crate) mod evtx;
pub(crate) mod exchange;
pub(crate) mod iis;
pub(crate) mod json_events;
pub(crate) mod setup;
pub(crate) mod test_proxylogon;
pub(crate) mod text;
pub(crate) mod web_file;

use std::io::{self, BufRead};

use model::{Event, ItemId, Loss, RootId};

/// Bytes of a file that [`identify`] looks at.
pub(crate) const PREFIX: usize = 64 << 10;

/// What a format may look at to recognise a file: its beginning first, its name second.
pub(crate) struct Probe<'a> {
    /// The first bytes, at most [`PREFIX`].
    pub prefix: &'a [u8],
    /// Path below the collection root, `/` between folders.
    pub logical: &'a str,
    /// Longest line or record.
    pub max_record: usize,
}

/// What decoding needs to know of the file.
pub(crate) struct Context<'a> {
    pub root: RootId,
    pub item: ItemId,
    /// Path below the collection root.
    pub logical: &'a str,
    /// Path on the host, where known.
    pub windows_path: Option<&'a str>,
    /// Zone of times that state none.
    pub zone: Option<&'a jiff::tz::TimeZone>,
}

/// Receives what a block holds.
pub(crate) trait Emit {
    fn event(&mut self, event: &Event<'_>);
    /// Records lost; counts an issue of the same code too.
    fn lost(&mut self, loss: &Loss, effect: &str);
    /// Something wrong that loses no record.
    fn issue(&mut self, code: &'static str, count: u64, effect: &str);
}

/// Cuts a stream into blocks. Runs on the thread that reads; does no more than find the cuts.
pub(crate) trait Framer: Send {
    /// The next block, `None` at the end of the stream. An error of the stream itself is returned after
    /// the blocks that could be made before it; everything else that is wrong is told to `emit`.
    fn next_block(
        &mut self,
        input: &mut dyn BufRead,
        emit: &mut dyn Emit,
    ) -> io::Result<Option<Box<dyn Block>>>;
}

/// A piece of a file that is decoded without the rest.
pub(crate) trait Block: Send {
    fn decode(&self, context: &Context<'_>, emit: &mut dyn Emit);
}

/// A file's format, found.
pub(crate) struct Identified {
    /// Name of the format, for custody.
    pub kind: &'static str,
    pub framer: Box<dyn Framer>,
}

/// Asks each format in turn; the first that knows the file reads it.
pub(crate) fn identify(probe: &Probe<'_>) -> Option<Identified> {
    // By name first what a web server would run: no content may pass such a file off as something else.
    const FORMATS: &[fn(&Probe<'_>) -> Option<Identified>] = &[
        web_file::identify_by_name,
        evtx::identify,
        json_events::identify,
        text::identify,
        web_file::identify_by_content,
    ];
    FORMATS.iter().find_map(|format| format(probe))
}
