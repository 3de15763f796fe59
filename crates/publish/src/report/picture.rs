//! The picture: windows, coverage and steps on one axis of time, and closer views of what is dense.

use model::Time;
use model::case::{Case, Claim, Coverage, CoverageState, Question, Window, WindowState};

use super::axis::{Axis, Px, Tick};
use super::limits;
use super::text::{Anchors, Refs, Text, left_out};
use crate::story;
use crate::words::{Word, cause, count, counted, stamp, stamp_or_unknown};

const LEFT: Px = Px::units(238);
const WIDTH: Px = Px::units(740);
const LANE: i64 = 22;
const HEADING: i64 = 24;
const TOP: i64 = 22;
/// Sources drawn; the ledger has all.
const MAX_LANES: usize = 26;
const MAX_WINDOW_LANES: usize = 10;
/// Markers nearer than this become one.
const NEAR: i64 = 240;
const MAX_CLOSE_UPS: usize = 3;
const MAX_CLOSE_UP_STEPS: usize = 18;

/// A bar in a lane.
pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) x: Px,
    pub(super) width: Px,
    pub(super) title: Text,
    /// Written into the bar, where it is wide enough.
    pub(super) label: Text,
    pub(super) label_x: Px,
}

/// A row of the picture.
pub(super) struct Lane {
    pub(super) y: Px,
    pub(super) text_y: Px,
    pub(super) bar_y: Px,
    pub(super) label: Text,
    pub(super) bars: Vec<Bar>,
    /// Where a window closed.
    pub(super) shut: Option<Shut>,
}

/// The end of a window.
pub(super) struct Shut {
    pub(super) x: Px,
    /// The word for what closed it.
    pub(super) by: &'static str,
    /// The word stands on the left, for want of room.
    pub(super) left: bool,
}

/// One step or several near each other.
pub(super) struct Marker {
    pub(super) class: &'static str,
    pub(super) x: Px,
    pub(super) y: Px,
    pub(super) from: Px,
    pub(super) to: Px,
    pub(super) left: Px,
    pub(super) top: Px,
    pub(super) width: Px,
    pub(super) text_y: Px,
    pub(super) label: Text,
    pub(super) title: Text,
    /// Written beside it in a closer view: its time of day.
    pub(super) beside: Text,
    /// That text stands on the left, for want of room.
    pub(super) beside_left: bool,
}

/// A heading among the lanes.
pub(super) struct Heading {
    pub(super) y: Px,
    pub(super) text: &'static str,
}

/// One drawing.
pub(super) struct Strip {
    pub(super) name: Text,
    pub(super) title: Text,
    pub(super) desc: Text,
    pub(super) height: Px,
    pub(super) bottom: Px,
    pub(super) label_y: Px,
    pub(super) under_y: Px,
    pub(super) ticks: Vec<Tick>,
    pub(super) headings: Vec<Heading>,
    pub(super) lanes: Vec<Lane>,
    pub(super) markers: Vec<Marker>,
    pub(super) as_of: Option<Px>,
}

/// A window as a row of the table.
pub(super) struct WindowRow {
    pub(super) chain: Text,
    pub(super) cves: Text,
    pub(super) state: &'static str,
    pub(super) opened_earliest: Text,
    pub(super) opened_latest: Text,
    pub(super) opened_basis: Text,
    pub(super) closed_earliest: Text,
    pub(super) closed_latest: Text,
    pub(super) closed_by: &'static str,
    pub(super) basis: Refs,
}

/// The picture and its tables.
pub(super) struct Picture {
    pub(super) strip: Option<Strip>,
    pub(super) close_ups: Vec<Strip>,
    pub(super) notes: Vec<Text>,
    pub(super) windows: Vec<WindowRow>,
    pub(super) left_out: Option<Text>,
}

/// A step with the number that it has in the chain.
#[derive(Clone, Copy)]
struct Step<'a> {
    number: usize,
    at: i64,
    claim: &'a Claim,
}

pub(super) fn picture(case: &Case, anchors: &Anchors) -> Picture {
    let steps = numbered(case);
    let axis = domain(case, &steps);
    let groups = axis.map(|axis| near(&axis, &steps)).unwrap_or_default();
    Picture {
        strip: axis.map(|axis| main_strip(case, &axis, &groups)),
        close_ups: close_ups(&groups),
        notes: axis.map(|axis| notes(case, &axis)).unwrap_or_default(),
        windows: case
            .windows
            .iter()
            .take(limits::WINDOWS)
            .map(|w| window_row(w, anchors))
            .collect(),
        left_out: left_out(case.windows.len(), limits::WINDOWS, "case.json"),
    }
}

fn numbered(case: &Case) -> Vec<Step<'_>> {
    let steps = story::steps(case).into_iter().take(limits::CLAIMS).enumerate();
    steps
        .filter_map(|(at, claim)| {
            Some(Step { number: at + 1, at: story::moment(claim)?.unix_nanos(), claim })
        })
        .collect()
}

/// From what the picture must show: the windows and steps, up to the moment of the case; only where
/// there are none, all that was covered. A source that reaches further back is cut at the edge.
fn domain(case: &Case, steps: &[Step<'_>]) -> Option<Axis> {
    let nanos = |time: Option<Time>| time.map(Time::unix_nanos);
    let windows = case.windows.iter().flat_map(|w| {
        let closed = w.closed.as_ref();
        [w.opened.earliest, w.opened.latest, closed.and_then(|c| c.latest)].map(nanos)
    });
    let marks: Vec<i64> = windows.flatten().chain(steps.iter().map(|step| step.at)).collect();
    let spans = case.coverage.iter().flat_map(|row| [nanos(row.from), nanos(row.to)]).flatten();
    let as_of = nanos(case.as_of.time);
    let marks: Vec<i64> = if marks.is_empty() { spans.collect() } else { marks };
    let from = marks.iter().copied().chain(as_of).min()?;
    let last = steps.iter().map(|step| step.at).chain(as_of).max();
    let to = last.or_else(|| marks.iter().copied().max())?;
    let pad = (to.saturating_sub(from) / 40).max(50_000_000);
    Some(Axis::new(from.saturating_sub(pad), to.saturating_add(pad), LEFT, WIDTH))
}

/// Steps in groups that would cover each other in the drawing.
fn near<'a>(axis: &Axis, steps: &[Step<'a>]) -> Vec<Vec<Step<'a>>> {
    let mut groups: Vec<Vec<Step<'a>>> = Vec::new();
    for step in steps {
        let x = axis.x(step.at).0;
        let last = groups.last().and_then(|group| group.last()).map(|last| axis.x(last.at).0);
        match groups.last_mut() {
            Some(group) if last.is_some_and(|last| x - last < NEAR) => group.push(*step),
            _ => groups.push(vec![*step]),
        }
    }
    groups
}

fn main_strip(case: &Case, axis: &Axis, groups: &[Vec<Step<'_>>]) -> Strip {
    let mut drawing = Drawing::new(*axis);
    let y = drawing.next(LANE + 6);
    drawing.headings.push(Heading { y: Px::units(y + LANE / 2 + 4), text: "Attack steps" });
    let markers = groups.iter().map(|group| marker(axis, group, y + LANE / 2)).collect();
    if !case.windows.is_empty() {
        drawing.heading("Windows of exposure");
    }
    let end = case.as_of.time.map_or(axis.to(), Time::unix_nanos);
    for window in case.windows.iter().take(MAX_WINDOW_LANES) {
        let shut = window.closed.as_ref().and_then(|closed| {
            let x = axis.x(closed.latest.or(closed.earliest)?.unix_nanos());
            Some(Shut { x, by: closed.by.word(), left: x.0 > LEFT.0 + WIDTH.0 * 9 / 10 })
        });
        drawing.lane(&window.title, window_bars(axis, window, end), shut);
    }
    drawing.heading("Coverage of the sources");
    for row in drawn_sources(case).take(MAX_LANES) {
        drawing.lane(&row.logsource, source_bars(axis, row, end), None);
    }
    let as_of = case.as_of.time.map(|time| axis.x(time.unix_nanos()));
    drawing.strip(
        "strip",
        "Windows, coverage and attack steps on one time axis",
        &describe(case),
        markers,
        as_of,
    )
}

/// Sources that can show a step, and all others that were read.
fn drawn_sources(case: &Case) -> impl Iterator<Item = &Coverage> {
    story::ledger(case)
        .into_iter()
        .filter(|row| !row.steps_it_would_show.is_empty() || row.state == CoverageState::Present)
}

fn describe(case: &Case) -> String {
    let read = case.coverage.iter().filter(|row| row.state == CoverageState::Present).count();
    let gaps: usize = case.coverage.iter().map(|row| row.gaps.len()).sum();
    format!(
        "{}; {} of exposure; {} of {} sources read, with {}. {} \
         The same as tables: windows below, steps in section 4, coverage and gaps in section 6.",
        counted(story::steps(case).len(), "attack step", "attack steps"),
        counted(case.windows.len(), "window", "windows"),
        count(read),
        count(case.coverage.len()),
        counted(gaps, "gap", "gaps"),
        case.windows.iter().take(4).map(|w| story::window(w) + ". ").collect::<String>()
    )
}

/// Says what the picture leaves out.
fn notes(case: &Case, axis: &Axis) -> Vec<Text> {
    let mut notes = Vec::new();
    let before = |row: &&Coverage| row.from.is_some_and(|from| from.unix_nanos() < axis.from());
    let early = case.coverage.iter().filter(before).count();
    if early > 0 {
        notes.push(format!(
            "Cut at the left edge: {}; section 6 has the first records.",
            counted(early, "source that reaches further back", "sources that reach further back")
        ));
    }
    for (all, max, what) in [
        (drawn_sources(case).count(), MAX_LANES, "sources"),
        (case.windows.len(), MAX_WINDOW_LANES, "windows"),
    ] {
        if all > max {
            notes.push(format!(
                "Drawn: {} of {} {what}; the tables have the rest.",
                count(max),
                count(all)
            ));
        }
    }
    notes.iter().map(|note| Text::short(note)).collect()
}

fn bar(axis: &Axis, class: &'static str, from: i64, to: i64, title: &str) -> Bar {
    let (x, end) = (axis.x(from), axis.x(to.max(from)));
    // A gap of an hour in a year must still be seen.
    let width = Px((end.0 - x.0).max(20));
    Bar {
        class,
        x,
        width,
        title: Text::short(title),
        label: Text::short(""),
        label_x: Px(x.0 + width.0 / 2),
    }
}

fn window_bars(axis: &Axis, window: &Window, as_of: i64) -> Vec<Bar> {
    let nanos = |time: Option<Time>| time.map(Time::unix_nanos);
    let (earliest, latest) = (nanos(window.opened.earliest), nanos(window.opened.latest));
    let closed = window.closed.as_ref();
    let (shut_from, shut_by) =
        (closed.and_then(|c| nanos(c.earliest)), closed.and_then(|c| nanos(c.latest)));
    let end = shut_by.unwrap_or(as_of);
    let start = earliest.or(latest).unwrap_or(axis.from());
    let Some(proven) = latest.filter(|_| window.state != WindowState::Unknown) else {
        let title = format!("possibly open: {}", story::window(window));
        return vec![bar(axis, "maybe", start, end, &title)];
    };
    let sure_end = shut_from.unwrap_or(end).clamp(proven, end.max(proven));
    let mut bars = Vec::new();
    if start < proven {
        bars.push(bar(axis, "maybe", start, proven, &story::opened(&window.opened)));
    }
    bars.push(bar(axis, "open", proven, sure_end, &format!("open: {}", story::window(window))));
    if sure_end < end {
        bars.push(bar(axis, "maybe", sure_end, end, &story::closed(closed)));
    }
    bars
}

fn source_bars(axis: &Axis, row: &Coverage, as_of: i64) -> Vec<Bar> {
    let whole = |class, title: &str| {
        let mut bar = bar(axis, class, axis.from(), as_of, title);
        bar.label = Text::short(title);
        vec![bar]
    };
    match row.state {
        CoverageState::Present => {}
        CoverageState::Absent => return whole("absent", "absent: not in the evidence"),
        CoverageState::Unreadable => return whole("absent", "unreadable"),
        CoverageState::NotAssessed => return whole("absent", "not assessed by this version"),
    }
    let (Some(from), Some(to)) = (row.from, row.to) else {
        return whole("absent", "read; its records state no time");
    };
    let title = format!("read from {} to {}", stamp(from), stamp(to));
    let mut bars = Vec::new();
    if to.unix_nanos() >= axis.from() && from.unix_nanos() <= axis.to() {
        bars.push(bar(axis, "read", from.unix_nanos(), to.unix_nanos(), &title));
    }
    for gap in row.gaps.iter().take(limits::GAPS) {
        let start = gap.from.map_or(axis.from(), Time::unix_nanos);
        let end = gap.to.map_or(as_of, Time::unix_nanos);
        let why = cause(&gap.cause);
        let title =
            format!("gap: {why}, {} to {}", stamp_or_unknown(gap.from), stamp_or_unknown(gap.to));
        let mut gap_bar = bar(axis, "gap", start, end, &title);
        if gap_bar.width.0 > 70 * i64::try_from(why.chars().count()).unwrap_or(i64::MAX / 70) {
            gap_bar.label = Text::short(&why);
        }
        bars.push(gap_bar);
    }
    bars
}

fn marker(axis: &Axis, group: &[Step<'_>], y: i64) -> Marker {
    let at = |step: Option<&Step<'_>>| step.map_or(LEFT, |step| axis.x(step.at));
    let (from, to) = (at(group.first()), at(group.last()));
    let label = match (group.first(), group.last()) {
        (Some(first), Some(last)) if first.number != last.number => {
            format!("{}–{}", first.number, last.number)
        }
        (first, _) => first.map(|step| step.number.to_string()).unwrap_or_default(),
    };
    let class = if group.iter().all(|step| step.claim.question == Question::StillIn) {
        "mark still"
    } else if group.iter().all(|step| story::only_requested(step.claim)) {
        "mark asked"
    } else {
        "mark"
    };
    let x = Px(i64::midpoint(from.0, to.0));
    let width = Px(180 + 62 * i64::try_from(label.chars().count().saturating_sub(1)).unwrap_or(0));
    let title = group.iter().take(20).map(title_of).collect::<Vec<_>>().join("; ");
    Marker {
        class,
        beside: Text::short(""),
        beside_left: false,
        x,
        y: Px::units(y),
        from,
        to,
        left: Px(x.0 - width.0 / 2),
        top: Px::units(y - 9),
        width,
        text_y: Px::units(y + 4),
        label: Text::short(&label),
        title: Text::long(&title),
    }
}

fn title_of(step: &Step<'_>) -> String {
    let time = story::moment(step.claim).map(stamp).unwrap_or_default();
    let text: String = story::timeless(step.claim).chars().take(120).collect();
    format!("step {}, {time}: {text}", step.number)
}

/// Closer views of the groups whose steps cover each other, the largest, in order of time.
fn close_ups(groups: &[Vec<Step<'_>>]) -> Vec<Strip> {
    let span = |group: &Vec<Step<'_>>| match (group.first(), group.last()) {
        (Some(first), Some(last)) => last.at - first.at,
        _ => 0,
    };
    let mut dense: Vec<&Vec<Step<'_>>> = groups.iter().filter(|group| span(group) > 0).collect();
    dense.sort_by_key(|group| std::cmp::Reverse(group.len()));
    dense.truncate(MAX_CLOSE_UPS);
    dense.sort_by_key(|group| group.first().map(|step| step.number));
    dense.into_iter().enumerate().map(|(n, group)| close_up(n, group)).collect()
}

fn close_up(n: usize, group: &[Step<'_>]) -> Strip {
    let first = group.first().map_or(0, |step| step.at);
    let last = group.last().map_or(0, |step| step.at);
    let pad = ((last - first) / 16).max(50_000_000);
    let axis = Axis::new(first.saturating_sub(pad), last.saturating_add(pad), LEFT, WIDTH);
    let mut drawing = Drawing::new(axis);
    let mut markers = Vec::new();
    for step in group.iter().take(MAX_CLOSE_UP_STEPS) {
        let y = drawing.lane(&story::step_name(step.claim), Vec::new(), None);
        let mark = marker(&axis, &[*step], y + LANE / 2);
        let time = Time::from_unix_nanos(step.at, 3).to_string();
        markers.push(Marker {
            beside: Text::short(time.get(11..23).unwrap_or_default()),
            beside_left: mark.x.0 > LEFT.0 + WIDTH.0 * 3 / 4,
            ..mark
        });
    }
    let (from, to) = (group.first().map_or(0, |s| s.number), group.last().map_or(0, |s| s.number));
    let rest = group.len().saturating_sub(MAX_CLOSE_UP_STEPS);
    let more =
        if rest > 0 { format!("; {} more in section 4", count(rest)) } else { String::new() };
    let title = format!("Closer view of steps {from} to {to}{more}");
    let desc = group.iter().take(MAX_CLOSE_UP_STEPS).map(title_of).collect::<Vec<_>>().join("; ");
    drawing.strip(&format!("close-up-{}", n + 1), &title, &desc, markers, None)
}

/// A drawing under construction, from the top down.
struct Drawing {
    axis: Axis,
    y: i64,
    headings: Vec<Heading>,
    lanes: Vec<Lane>,
}

impl Drawing {
    fn new(axis: Axis) -> Self {
        Self { axis, y: TOP, headings: Vec::new(), lanes: Vec::new() }
    }

    fn next(&mut self, height: i64) -> i64 {
        let y = self.y;
        self.y += height;
        y
    }

    fn heading(&mut self, text: &'static str) {
        let y = self.next(HEADING);
        self.headings.push(Heading { y: Px::units(y + HEADING - 8), text });
    }

    fn lane(&mut self, label: &str, bars: Vec<Bar>, shut: Option<Shut>) -> i64 {
        let y = self.next(LANE);
        self.lanes.push(Lane {
            y: Px::units(y + LANE),
            text_y: Px::units(y + LANE / 2 + 4),
            bar_y: Px::units(y + 5),
            label: lane_label(label),
            bars,
            shut,
        });
        y
    }

    fn strip(
        self,
        name: &str,
        title: &str,
        desc: &str,
        markers: Vec<Marker>,
        as_of: Option<Px>,
    ) -> Strip {
        let bottom = self.y + 6;
        Strip {
            name: Text::short(name),
            title: Text::short(title),
            desc: Text::long(desc),
            height: Px::units(bottom + 42),
            bottom: Px::units(bottom),
            label_y: Px::units(bottom + 17),
            under_y: Px::units(bottom + 32),
            ticks: self.axis.ticks(),
            headings: self.headings,
            lanes: self.lanes,
            markers,
            as_of,
        }
    }
}

/// A name in the narrow column beside the picture.
fn lane_label(name: &str) -> Text {
    let shown = crate::inert_text(name);
    if shown.chars().count() <= 33 {
        return Text::short(&shown);
    }
    let head: String = shown.chars().take(32).collect();
    Text::short(&format!("{head}…"))
}

fn window_row(window: &Window, anchors: &Anchors) -> WindowRow {
    let closed = window.closed.as_ref();
    let basis = window.opened.basis.iter().chain(closed.into_iter().flat_map(|c| &c.basis));
    let shut = |time: Option<Time>| match closed {
        Some(_) => Text::time(time),
        None => Text::short("–"),
    };
    WindowRow {
        chain: Text::short(&window.title),
        cves: Text::short(&window.cves.join(", ")),
        state: window.state.word(),
        opened_earliest: Text::time(window.opened.earliest),
        opened_latest: match window.opened.latest {
            Some(time) => Text::time(Some(time)),
            None => Text::short("never shown open"),
        },
        opened_basis: Text::long(&window.opened.earliest_basis),
        closed_earliest: shut(closed.and_then(|c| c.earliest)),
        closed_latest: shut(closed.and_then(|c| c.latest)),
        closed_by: closed.map_or("–", |c| c.by.word()),
        basis: anchors.refs(basis),
    }
}
