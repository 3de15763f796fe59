//! One line of a source before it is written: what happened, when, and which act of the scenario it carries.

use crate::Moment;
use crate::source::{Protocol, Source};

/// A line to be written.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Where it belongs.
    pub(crate) source: Source,
    /// When it happened.
    pub(crate) at: Moment,
    /// What the source's clock adds to that, in milliseconds.
    pub(crate) shift: i64,
    /// Position among the acts of the scenario; none for harmless lines.
    pub(crate) act: Option<usize>,
    /// Number within its source before any damage, from 1: event logs print it.
    pub(crate) number: u64,
    /// The content.
    pub(crate) row: Row,
}

impl Record {
    /// The time that the source shows.
    pub(crate) fn shown(&self) -> Moment {
        self.at.plus(self.shift)
    }
}

/// Content of a line, by kind of source.
#[derive(Clone, Debug)]
pub(crate) enum Row {
    /// IIS.
    Iis(Box<IisRow>),
    /// HttpProxy, and what Test-ProxyLogon copies from it.
    Proxy(Box<ProxyRow>),
    /// ECP Server: the `EventData`.
    Ecp(String),
    /// A Windows event.
    Event(Box<EventRow>),
    /// Exchange Setup: the message.
    Setup(String),
}

/// A row of an IIS log.
#[derive(Clone, Debug, Default)]
pub(crate) struct IisRow {
    pub(crate) method: String,
    pub(crate) stem: String,
    pub(crate) query: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) client: String,
    pub(crate) agent: String,
    pub(crate) status: u16,
    pub(crate) took: u32,
}

/// A row of an HttpProxy log, as far as its columns carry anything.
#[derive(Clone, Debug)]
pub(crate) struct ProxyRow {
    pub(crate) protocol: Protocol,
    pub(crate) request_id: String,
    pub(crate) url_host: String,
    pub(crate) stem: String,
    pub(crate) query: String,
    pub(crate) action: String,
    pub(crate) auth: &'static str,
    pub(crate) user: String,
    pub(crate) anchor: String,
    pub(crate) agent: String,
    pub(crate) client: String,
    pub(crate) status: u16,
    pub(crate) back_status: Option<u16>,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) hint: &'static str,
    pub(crate) sent: u32,
    pub(crate) received: u32,
    pub(crate) took: u32,
}

/// A Windows event.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventRow {
    pub(crate) id: u32,
    pub(crate) provider: &'static str,
    pub(crate) guid: &'static str,
    pub(crate) level: u8,
    pub(crate) task: u32,
    pub(crate) keywords: &'static str,
    pub(crate) message: String,
    /// Named values, in order.
    pub(crate) data: Vec<(&'static str, String)>,
    /// Unnamed values, in order.
    pub(crate) unnamed: Vec<String>,
}
