//! The sources that a scenario can write, and the words that name them in a scenario file.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A protocol of the front-end proxy, each with a log folder of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Autodiscover.
    Autodiscover,
    /// ActiveSync.
    Eas,
    /// Control panel.
    Ecp,
    /// Web services.
    Ews,
    /// MAPI over HTTP.
    Mapi,
    /// Offline address book.
    Oab,
    /// Outlook on the web.
    Owa,
    /// Remote PowerShell.
    PowerShell,
    /// RPC over HTTP.
    RpcHttp,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Autodiscover,
        Self::Eas,
        Self::Ecp,
        Self::Ews,
        Self::Mapi,
        Self::Oab,
        Self::Owa,
        Self::PowerShell,
        Self::RpcHttp,
    ];

    /// Name of its log folder and value of the `Protocol` column.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Autodiscover => "Autodiscover",
            Self::Eas => "Eas",
            Self::Ecp => "Ecp",
            Self::Ews => "Ews",
            Self::Mapi => "Mapi",
            Self::Oab => "Oab",
            Self::Owa => "Owa",
            Self::PowerShell => "PowerShell",
            Self::RpcHttp => "RpcHttp",
        }
    }
}

/// A source of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// IIS log of the front-end site.
    IisFront,
    /// IIS log of the back-end site.
    IisBack,
    /// Log of the front-end proxy for one protocol.
    Proxy(Protocol),
    /// Server log of the control panel.
    EcpServer,
    /// Sysmon events.
    Sysmon,
    /// Security events.
    Security,
    /// Application events.
    Application,
    /// Events of Exchange's cmdlets.
    Management,
    /// Log of Exchange Setup.
    SetupLog,
    /// The web folders.
    WebRoot,
    /// The table that Microsoft's Test-ProxyLogon wrote when its owner ran it.
    TestProxyLogon,
}

impl Source {
    /// All of them, in the order in which they are written.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::IisFront, Self::IisBack];
        all.extend(Protocol::ALL.map(Self::Proxy));
        all.extend([Self::EcpServer, Self::Sysmon, Self::Security, Self::Application]);
        all.extend([Self::Management, Self::SetupLog, Self::WebRoot, Self::TestProxyLogon]);
        all
    }

    /// Whether the server writes it all the time, so that it can roll over and have gaps.
    pub const fn rolls(self) -> bool {
        !matches!(self, Self::SetupLog | Self::WebRoot | Self::TestProxyLogon)
    }

    /// Whether it is written as Windows events.
    pub const fn is_events(self) -> bool {
        matches!(self, Self::Sysmon | Self::Security | Self::Application | Self::Management)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proxy(protocol) => {
                write!(f, "httpproxy-{}", protocol.folder().to_ascii_lowercase())
            }
            Self::IisFront => f.write_str("iis_front"),
            Self::IisBack => f.write_str("iis_back"),
            Self::EcpServer => f.write_str("ecp_server"),
            Self::Sysmon => f.write_str("sysmon"),
            Self::Security => f.write_str("security"),
            Self::Application => f.write_str("application"),
            Self::Management => f.write_str("management"),
            Self::SetupLog => f.write_str("setup_log"),
            Self::WebRoot => f.write_str("web_root"),
            Self::TestProxyLogon => f.write_str("test_proxylogon"),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::all()
            .into_iter()
            .find(|source| source.to_string() == word)
            .ok_or_else(|| format!("no source is called {word:?}"))
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

/// A word of a scenario file that stands for one source or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pick {
    /// `all`: every source.
    All,
    /// `rolling`: every log that the server writes all the time.
    Rolling,
    /// `httpproxy`: every protocol of the front-end proxy.
    Proxies,
    /// One source.
    One(Source),
}

impl TryFrom<String> for Pick {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        match word.as_str() {
            "all" => Ok(Self::All),
            "rolling" => Ok(Self::Rolling),
            "httpproxy" => Ok(Self::Proxies),
            _ => Source::try_from(word).map(Self::One),
        }
    }
}

impl From<Pick> for String {
    fn from(pick: Pick) -> Self {
        match pick {
            Pick::All => "all".to_owned(),
            Pick::Rolling => "rolling".to_owned(),
            Pick::Proxies => "httpproxy".to_owned(),
            Pick::One(source) => source.to_string(),
        }
    }
}

/// A choice of sources, written as a list of words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Selection(pub Vec<Pick>);

impl Selection {
    /// Exactly one source.
    pub fn one(source: Source) -> Self {
        Self(vec![Pick::One(source)])
    }

    /// Whether `source` is chosen.
    pub fn contains(&self, source: Source) -> bool {
        self.0.iter().any(|pick| match pick {
            Pick::All => true,
            Pick::Rolling => source.rolls(),
            Pick::Proxies => matches!(source, Source::Proxy(_)),
            Pick::One(one) => *one == source,
        })
    }
}

impl Default for Selection {
    /// Everything but the table of Test-ProxyLogon, which few owners have.
    fn default() -> Self {
        let all = Source::all().into_iter().filter(|s| *s != Source::TestProxyLogon);
        Self(all.map(Pick::One).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_a_word_and_is_found_by_it() {
        for source in Source::all() {
            assert_eq!(Source::try_from(source.to_string()), Ok(source));
        }
        assert!(Source::try_from("iis".to_owned()).is_err());
    }

    #[test]
    fn words_choose_what_they_say() {
        let chosen = |word: &str| {
            let selection = Selection(vec![Pick::try_from(word.to_owned()).unwrap()]);
            Source::all().into_iter().filter(|s| selection.contains(*s)).count()
        };
        let counts: Vec<usize> = ["all", "rolling", "httpproxy", "sysmon"].map(chosen).to_vec();
        assert_eq!(counts, [19, 16, 9, 1]);
    }
}
